"""The store of documents and vectors (SQLite), and the search indexes made from it (FAISS, BM25).

May use core, documents and models.
"""
