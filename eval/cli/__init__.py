"""The subcommands of `python -m eval` that run a suite. May use everything in eval."""
