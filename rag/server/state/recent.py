"""The answers that were given of late, so that feedback and follow-up questions can name them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from rag.answering.answer import Answer

KEPT = 1_000


@dataclass(frozen=True)
class Assigned:
    """What answers a conversation while two generators are compared.

    split: id of the comparison. arm: "a" or "b". conversation: a digest that tells the conversation from others.
    """

    split: str
    arm: str
    conversation: str


@dataclass(frozen=True)
class GivenAnswer:
    """An answer with its circumstances.

    id: names it to feedback. asked: the question as the client asked it. question: as it was searched, with what a
    follow-up question leaves unsaid. model: what answered. read, written: tokens of the prompt and of the answer.
    conversation: what tells its conversation from others, "" where it stands alone. assigned: None for a model that
    the client named, or while none are compared.
    """

    id: str
    asked: str
    question: str
    model: str
    answer: Answer
    created: int
    read: int
    written: int
    conversation: str = ""
    assigned: Assigned | None = None


class RecentAnswers:
    """The last answers by id, in memory alone."""

    def __init__(self, kept: int = KEPT):
        """kept: how many answers are remembered."""
        self._kept, self._lock = kept, threading.Lock()
        self._answers: OrderedDict[str, GivenAnswer] = OrderedDict()

    def put(self, given: GivenAnswer) -> None:
        """Remember an answer; the oldest one is forgotten for it."""
        with self._lock:
            self._answers[given.id] = given
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)

    def get(self, id: str) -> GivenAnswer | None:
        """Return an answer, None if it is not among the last ones."""
        with self._lock:
            return self._answers.get(id)

    def forget(self, documents: set[str]) -> None:
        """Forget the answers that show a passage of these documents."""
        with self._lock:
            for id, given in list(self._answers.items()):
                if documents.intersection(passage.chunk.document for passage in given.answer.passages):
                    del self._answers[id]
