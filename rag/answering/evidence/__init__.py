"""Whether an answer is borne out by its passages, and where passages contradict each other."""
