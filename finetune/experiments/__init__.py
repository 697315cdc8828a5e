"""Comparisons of methods of training, run by hand. Nothing but the command line uses them."""
