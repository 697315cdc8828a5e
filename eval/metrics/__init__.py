"""Measures of answers, rankings and confidence, and the statistics to compare them. May use rag alone."""
