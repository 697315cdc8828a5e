"""What every other package uses: chunks, sentences, words, settings, errors, JSON lines, run folders.

Nothing here imports another package of this project.
"""
