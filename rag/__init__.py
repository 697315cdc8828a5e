"""Ask questions of your own documents: read, index, retrieve, generate, ground.

`pipeline.py` is the way of a question; `factory.py` opens its parts as the settings say; only `cli/` prints.
"""
