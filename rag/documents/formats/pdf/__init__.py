"""The reader of PDF: words, columns and paragraphs of a page, tables, forms, pictures. May use base and tables."""
