"""Finding, checking and loading models: causal language models, embedders, cross-encoders, adapters and weight deltas.

May use core.
"""
