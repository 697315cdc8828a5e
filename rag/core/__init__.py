"""What every other package uses: chunks, sentences, words, settings, errors, JSON lines, run folders.

Imports nothing else of this project.
"""
