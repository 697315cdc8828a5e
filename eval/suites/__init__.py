"""Measurements of one aspect each: attacks, follow-up questions, retrieval, speed, scale. May use metrics and runs."""
