"""A question about two things is answered from two searches, any other question from one."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from fakes import passage
from rag.answering.answer import Answer
from rag.answering.evidence.grounding import cite
from rag.generation.prompt import REFUSAL
from rag.pipeline import Pipeline

ENGINEER = passage("An engineer gives 28 days of notice.", "crew.md")
DECKHAND = passage("Deckhands give 14 days of notice.", "deck.md")


@dataclass
class Searches:
    """A retriever that finds the passage about what the question names, and remembers the questions."""

    asked: list[str] = field(default_factory=list)
    timings = {"search": 0.1}

    def refresh(self):
        pass

    def search(self, question, documents=None):
        self.asked.append(question)
        return [DECKHAND] if "deckhand" in question.lower() else [ENGINEER]


class Reads:
    """An answerer that tells the first passage's number of days. refuses: passages that it refuses to answer from."""

    def __init__(self, refuses=()):
        self.generator, self.selector, self.settings = None, object(), SimpleNamespace(least=0.2)
        self._refuses = refuses

    def answer(self, question, passages, on_text=None):
        chunk = passages[0].chunk
        if passages[0] in self._refuses:
            return Answer(REFUSAL, True, 0.9, [], passages, REFUSAL)
        days = next(word for word in chunk.text.split() if word.isdigit())
        return Answer(f"{days} days", False, 0.8, [cite(chunk, 1, 0, len(chunk.text))], passages, days, kind="span")


MORE = "How many more days' notice does an engineer need than a deckhand?"


def test_a_difference_is_searched_for_in_two_questions():
    searches = Searches()
    found = Pipeline(searches, Reads()).ask(MORE)
    assert found.text == "28 days [1] − 14 days [2] = 14 days"
    assert searches.asked == [
        "How many days' notice does an engineer need?",
        "How many days' notice does a deckhand need?",
    ]
    assert found.timings["search"] == pytest.approx(0.2)


def test_one_value_alone_is_no_difference():
    found = Pipeline(Searches(), Reads(refuses=[ENGINEER])).ask(MORE)
    assert found.refused and found.text == REFUSAL


def test_another_question_is_searched_for_once():
    searches = Searches()
    assert Pipeline(searches, Reads()).ask("What notice does a deckhand give?").text == "14 days"
    assert searches.asked == ["What notice does a deckhand give?"]
