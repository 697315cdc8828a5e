"""Measure: retrieval and answers, base against tuned."""
