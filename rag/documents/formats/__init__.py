"""Readers of single formats: bytes -> text with sections. `rag.documents.formats.registry` knows which suffix goes to which."""
