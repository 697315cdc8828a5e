"""From a question and its passages to an answer with citations, or a refusal.

May use core, models, generation and retrieval.
"""
