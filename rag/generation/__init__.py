"""The prompt, the language model that answers it, and the cache of passages that it has read.

May use core and models.
"""
