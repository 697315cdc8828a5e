"""Comparisons of ways to train, run by hand; nothing else needs them."""
