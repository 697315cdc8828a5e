"""The server's two workers, one for questions and one for documents, and the service that hands them their work."""
