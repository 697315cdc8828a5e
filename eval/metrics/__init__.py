"""Measures of answers, rankings and confidence, and the statistics that compare them. May use rag alone."""
