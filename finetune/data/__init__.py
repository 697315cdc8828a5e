"""Training rows: their form, files, split by document, and which documents they came from. May use rag alone."""
