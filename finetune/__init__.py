"""Train on the indexed corpus: mine questions, fine-tune generator and retriever, promote what is shown to be better.

May use rag, never eval.
"""
