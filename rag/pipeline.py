"""Question -> Answer: retrieve, read, propose, choose; and how each part is opened as the settings say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from rag.answering.answer import Answer
from rag.answering.answerer import Answerer
from rag.core.errors import PromptError, StoreError
from rag.retrieval.retriever import Retriever


class Pipeline:
    """A retriever and an answerer, ready to answer."""

    def __init__(self, retriever: Retriever, answerer: Answerer):
        self.retriever, self.answerer, self.generator = retriever, answerer, answerer.generator

    def ask(self, question: str, on_text: Callable[[str], None] | None = None) -> Answer:
        """-> the answer; on_text gets freely written words as they come, before they are checked."""
        try:
            question.encode()
        except UnicodeEncodeError as error:
            raise PromptError("the question is not UTF-8 text: type it again") from error
        self.retriever.refresh()  # others may have added documents since this was opened
        passages = self.retriever.search(question)
        if not passages:
            raise StoreError("the index holds no documents: rag index FOLDER")
        start = time.perf_counter()
        answer = self.answerer.answer(question, passages, on_text)
        return replace(answer, timings={**self.retriever.timings, "answer": time.perf_counter() - start})
