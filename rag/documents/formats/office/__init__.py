"""Readers of DOCX, PPTX and XLSX. May use base and tables."""
