"""Ask questions of your own documents: index, retrieve, generate, ground."""
