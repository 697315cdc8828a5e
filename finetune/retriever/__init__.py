"""Training of embedder and cross-encoder on the corpus. May use data and mining."""
