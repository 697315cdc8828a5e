"""Readers of single formats: bytes -> text with sections. `rag.formats.registry` knows which suffix goes to which."""
