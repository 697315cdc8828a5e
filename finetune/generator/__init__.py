"""Fine-tuning of the language model: SFT, preference pairs, DPO, merging. May use data and mining."""
