"""Comparisons of ways to train, run by hand. Nothing but the command line uses them."""
