"""Training rows: form and files, how they are dealt into parts, which documents they came from. May use rag alone."""
