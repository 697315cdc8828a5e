"""One reader for each file format, from bytes to text with headings and pages; `registry.py` chooses it.

May use its folders.
"""
