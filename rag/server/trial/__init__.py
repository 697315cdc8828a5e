"""Two generators compared on people's verdicts: what each was told, and whether one is better."""
