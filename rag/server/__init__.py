"""The server: an HTTP API, a page and tools for agents. The extra `serve` has its libraries; see README.md here."""
