"""The subcommands of `python -m finetune` beside its training stages. May use everything in finetune."""
