"""Train the generator on the corpus: mine, SFT, DPO, promote."""
