"""The `rag` command: arguments, output and exit status. May use everything in rag; nothing else in rag uses it."""
