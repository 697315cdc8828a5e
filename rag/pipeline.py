"""A question's path: retrieve passages, answer from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from rag.answering.answer import Answer
from rag.answering.answerer import Answerer
from rag.answering.comparisons.comparing import compare, refused, says_difference
from rag.answering.comparisons.sub_questions import ANSWERS, SubQuestions, asks_for_difference, split_question
from rag.core.errors import PromptError, StoreError
from rag.retrieval.passage import Passage
from rag.retrieval.retriever import Retriever

LONGEST = 2_000  # characters of a question; a longer one would take minutes, and is a document by mistake


class Pipeline:
    """Answers questions: a retriever that finds passages, and an answerer that reads them."""

    def __init__(self, retriever: Retriever, answerer: Answerer):
        self.retriever, self.answerer, self.generator = retriever, answerer, answerer.generator

    def ask(
        self,
        question: str,
        on_text: Callable[[str], None] | None = None,
        documents: Collection[str] | None = None,
        on_passages: Callable[[list[Passage]], None] | None = None,
    ) -> Answer:
        """Return the answer to a question.

        on_text: gets generated text as it grows, before it is checked. documents: ids of the documents that are
        searched, all if None. on_passages: gets the passages of each search before they are read. Raises PromptError
        for a question that cannot be asked, StoreError for an empty index.
        """
        check_question(question)
        self.retriever.refresh()  # other processes may have changed the index
        answer = partial(self._answer, documents=documents, on_passages=on_passages)
        if not self.answerer.selector:
            return answer(question, on_text)
        parts = split_question(question)
        found = self._answer_both(question, parts, answer) if parts else answer(question, on_text)
        of_two = parts.told != ANSWERS if parts else asks_for_difference(question)
        is_half = of_two and found.kind == "span" and not says_difference(found)
        return refused(found) if is_half else found

    def _answer_both(self, question: str, parts: SubQuestions, answer: Callable[[str], Answer]) -> Answer:
        """Answer from the two questions that it is made of; where one has no answer, from one passage."""
        answers = [answer(asked) for asked in parts.asked]
        if found := compare(parts, answers[0], answers[1], self.answerer.settings.least):
            return replace(found, timings=_total(answers))
        whole = answer(question)
        return replace(whole, timings=_total([*answers, whole]))

    def _answer(
        self,
        question: str,
        on_text: Callable[[str], None] | None = None,
        *,
        documents: Collection[str] | None,
        on_passages: Callable[[list[Passage]], None] | None,
    ) -> Answer:
        passages = self.retriever.search(question, documents=documents)
        if not passages:
            raise StoreError("the index holds no documents: rag index FOLDER")
        if on_passages:
            on_passages(passages)
        start = time.perf_counter()
        answer = self.answerer.answer(question, passages, on_text)
        return replace(answer, timings={**self.retriever.timings, "answer": time.perf_counter() - start})


def _total(answers: list[Answer]) -> dict[str, float]:
    return {part: sum(answer.timings[part] for answer in answers) for part in answers[0].timings}


def check_question(question: str) -> None:
    """Raise PromptError for a question that cannot be asked, with what to do about it."""
    if not any(map(str.isalnum, question)):
        raise PromptError("there is no word in the question: type one")
    if len(question) > LONGEST:
        raise PromptError(f"the question has {len(question):,} characters, more than {LONGEST:,}: shorten it")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise PromptError("the question is not UTF-8 text: type it again") from error
