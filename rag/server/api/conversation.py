"""From a conversation to one question that stands alone, and from an answer to the text of a message."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import Field

from rag.core.errors import PromptError
from rag.retrieval.query_rewriting import Turn, rewrite_followup
from rag.server.api.shapes import LONGEST, Received
from rag.server.state.recent import GivenAnswer

_IMAGE = re.compile(r"!(?=\[)")
TURNS = 10  # of a conversation that are read, so that a long one costs no more


class Part(Received):
    """A part of a message; only text is read."""

    type: str = Field(max_length=100)
    text: str = ""


class Message(Received):
    """A message of a conversation. Those of other roles, and items without one, as a file search, are not read."""

    role: str = Field("", max_length=100)
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """The message's text; of a very long one its beginning."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)[:LONGEST]
        return (self.content or "")[:LONGEST]


def asked_in(messages: Iterable[Message]) -> tuple[str, str]:
    """Return the last question of a conversation as it was asked, and as it stands alone.

    Raises PromptError when the last message is not the user's.
    """
    spoken = [message for message in messages if message.role in ("user", "assistant")]
    if not spoken or spoken[-1].role != "user":
        raise PromptError("the last message is not the user's: put the question there")
    turns: list[tuple[str, str]] = []
    for message in spoken:
        if message.role == "user":
            turns.append((message.text, ""))
        elif turns:
            turns[-1] = (turns[-1][0], message.text)
    return rewritten(turns[-TURNS:])


def first_question(messages: Iterable[Message]) -> str:
    """Return the user's first message, which tells a conversation from others where the client gives it no id."""
    return next((message.text for message in messages if message.role == "user"), "")


def rewritten(turns: list[tuple[str, str]]) -> tuple[str, str]:
    """Return the last question as it was asked and as it stands alone. turns: questions and answers, the last open."""
    former = None
    for question, answer in turns[:-1]:
        former = Turn(rewrite_followup(question, former), answer)
    asked = turns[-1][0]
    return asked, rewrite_followup(asked, former)


def message_text(given: GivenAnswer) -> str:
    """Return the text of the answer's message; where none is sure enough, the sentence that probably holds it."""
    answer = given.answer
    if answer.probable:
        return f"No answer is sure enough. It is probably here: “{one_line(answer.probable.quote)}”"
    return _without_images(answer.text)


def with_sources(text: str, given: GivenAnswer) -> str:
    """Return a message's text with the list of its sources, for programs that show no citations."""
    cited = [given.answer.probable] if given.answer.probable else given.answer.citations
    lines = [f"[{each.passage}] {each.location}: “{one_line(each.quote)}”" for each in cited]
    return "\n".join([text, "", "Sources:", *lines]) if lines else text


def one_line(text: str) -> str:
    """Return a text of a document without line breaks, as it is told in a message."""
    return _without_images(" ".join(text.split()))


def _without_images(text: str) -> str:
    """Make images of Markdown links, since a program that shows Markdown would load them from wherever they point."""
    return _IMAGE.sub("", text)
