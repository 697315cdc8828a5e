"""Answers to questions about two things."""
