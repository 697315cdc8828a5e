"""Readers of plain text, Markdown, reStructuredText, HTML and notebooks. May use base and tables."""
