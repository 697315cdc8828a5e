"""The commands of `python -m finetune`. May use everything in finetune."""
