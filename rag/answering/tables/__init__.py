"""Answers read from the rows and columns of tables."""
