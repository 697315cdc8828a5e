"""Measure: retrieval and answers, base against tuned, with paired tests. May use rag, never finetune."""
