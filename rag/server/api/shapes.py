"""The shapes of what the server's own endpoints take and give; those of OpenAI's are beside their endpoints."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from rag.answering.answer import Answer
from rag.retrieval.passage import Passage, passage_facts
from rag.server.state.recent import GivenAnswer

LONGEST = 20_000  # characters of one text in a request
Names = Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(max_length=100)]
Text = Field(max_length=LONGEST, examples=["When was Kestrel Bay built?"])


# Said of endpoints that can stream.
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "object", "required": ["data"]}}}},
}


class Received(BaseModel):
    """What a client sends, each value of the type that it has to have: "yes" is not true."""

    model_config = ConfigDict(strict=True)


class TurnIn(Received):
    """An earlier question of the conversation, and its answer."""

    question: str = Text
    answer: str = Field("", max_length=LONGEST)


class AskIn(Received):
    """A question. documents: names, patterns or folders, to search these alone.

    conversation: an id of the conversation, by which a split deals it to one of two models; by its first question if
    there is none.
    """

    question: str = Text
    model: str = Field("ragtune", max_length=200)
    documents: Names = []
    history: list[TurnIn] = Field([], max_length=50)
    conversation: str = Field("", max_length=200)
    stream: bool = False


class PassageOut(BaseModel):
    """A passage with the scores of each stage of the search; null where a stage has not found or read it."""

    document: str
    location: str
    page: int | None
    start: int
    end: int
    dense: float | None
    bm25: float | None
    fused: float | None
    reranked: float | None
    text: str


class CitationOut(BaseModel):
    """The evidence for an answer. passage: its number among those shown. url: shows it highlighted in its document."""

    passage: int
    document: str
    start: int
    end: int
    quote: str
    headings: list[str]
    page: int | None
    row: str
    column: str
    location: str
    url: str


class AnswerOut(BaseModel):
    """An answer, as `rag ask --json` has it. id: names it to /feedback. asked_as: the question as it was searched."""

    id: str
    model: str
    asked_as: str
    kind: str
    text: str
    refused: bool
    confidence: float
    citations: list[CitationOut]
    probable: CitationOut | None
    probable_confidence: float
    passages: list[PassageOut]
    conflicts: list[dict[str, Any]]
    unsupported: list[str]
    timings: dict[str, float]
    output: str


class SearchIn(Received):
    """Words or a question. k: how many passages. documents: as in a question."""

    words: str = Text
    k: int = Field(10, ge=1, le=100)
    documents: Names = []


class SearchOut(BaseModel):
    """Passages, the best first."""

    passages: list[PassageOut]


class FeedbackIn(Received):
    """A verdict on an answer.

    correction: the right answer in the document's words. unanswerable: the documents do not answer the question.
    """

    answer: str = Field(max_length=100)
    thumb: Literal["up", "down"] | None = None
    correction: str | None = Field(None, max_length=LONGEST)
    unanswerable: bool = False


class ErrorFacts(BaseModel):
    """What is wrong, and what mends it."""

    message: str
    type: str
    code: str
    param: str | None


class ErrorOut(BaseModel):
    """An error, as OpenAI's clients read it."""

    error: ErrorFacts


def document_url(base: str, document: str, start: int, end: int) -> str:
    """Return where a document is shown with a span highlighted. base: of the server, with a slash at its end."""
    return f"{base}documents/{quote(document)}?start={start}&end={end}#cited"


def base_of(request: Request) -> str:
    """Return the address of the server as this client has it."""
    return str(request.base_url)


def answer_out(given: GivenAnswer, base: str) -> AnswerOut:
    """Return an answer as clients get it."""
    answer = given.answer

    def citation(each: Any) -> dict[str, Any]:
        return {**dataclasses.asdict(each), "url": document_url(base, each.document, each.start, each.end)}

    facts: dict[str, Any] = {field.name: getattr(answer, field.name) for field in dataclasses.fields(Answer)}
    facts |= {
        "citations": [citation(each) for each in answer.citations],
        "probable": citation(answer.probable) if answer.probable else None,
        "passages": [passage_out(each) for each in answer.passages],
        "conflicts": [{**dataclasses.asdict(each), "sentence": str(each)} for each in answer.conflicts],
        "unsupported": list(answer.unsupported),
    }
    return AnswerOut(id=given.id, model=given.model, asked_as=given.question, **facts)


def passage_out(passage: Passage) -> PassageOut:
    """Return a passage as clients get it."""
    return PassageOut(**passage_facts(passage))
