"""OpenAI's chat completions, whole and streamed, with citations as `url_citation`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from rag.server.api.asking import Asked, service_of, told_in_stream
from rag.server.api.conversation import Message, asked_in, first_question, message_text, with_sources
from rag.server.api.shapes import EVENTS, Names, Received, base_of, document_url
from rag.server.state.recent import GivenAnswer
from rag.server.work.service import Wish

router = APIRouter(tags=["OpenAI"])


EXAMPLE = [{"role": "user", "content": "When was Kestrel Bay built?"}]


class StreamOptions(Received):
    """include_usage: whether the last chunk of a stream tells the tokens."""

    include_usage: bool | None = False


class ChatIn(Received):
    """A conversation whose last message is the question; what else OpenAI's clients send is not read.

    sources_in_text: whether the text ends with the list of its sources. documents: names, patterns or folders, to
    search these alone.
    """

    messages: list[Message] = Field(min_length=1, max_length=1_000, examples=[EXAMPLE])
    model: str = Field("ragtune", max_length=200)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    sources_in_text: bool | None = None
    documents: Names = []


class ChatOut(BaseModel):
    """OpenAI's chat.completion."""

    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]
    ragtune: dict[str, Any]


@router.post("/v1/chat/completions", response_model=ChatOut, responses=EVENTS)
async def chat(request: Request, body: ChatIn) -> Response:
    """Answer the last message. A stream sends the checked answer, not what is written before it is checked."""
    asked, question = asked_in(body.messages)
    begun = first_question(body.messages)
    started = await Asked(request, Wish(asked, question, tuple(body.documents), body.model, begun)).start()
    if body.stream:
        return EventSourceResponse(_chunks(request, body, started), ping=5)
    given = await started.answer()
    message: dict[str, Any] = {"role": "assistant", "content": _text(request, body, given), "refusal": None}
    message["annotations"] = url_citations(given, base_of(request))
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return JSONResponse({**_head(given, "chat.completion"), "choices": [choice], "usage": usage(given)})


def _text(request: Request, body: ChatIn, given: GivenAnswer) -> str:
    text, wanted = message_text(given), body.sources_in_text
    listed = service_of(request).limits.sources_in_text if wanted is None else wanted
    return with_sources(text, given) if listed else text


def _head(given: GivenAnswer, kind: str) -> dict[str, Any]:
    answer = given.answer
    facts = {"answer": given.id, "refused": answer.refused, "confidence": answer.confidence, "kind": answer.kind}
    own = {**facts, "asked_as": given.question}
    return {"id": given.id, "object": kind, "created": given.created, "model": given.model, "ragtune": own}


async def _chunks(request: Request, body: ChatIn, started: Asked) -> AsyncIterator[ServerSentEvent]:
    try:
        async for kind, what in started.events():
            if kind == "answer":
                for chunk in _answer_chunks(request, body, what):
                    yield ServerSentEvent(data=json.dumps(chunk, ensure_ascii=False))
                yield ServerSentEvent(data="[DONE]")
    except Exception as error:  # noqa: BLE001 - the status is sent already: the client gets an event
        yield ServerSentEvent(data=json.dumps(told_in_stream(request, error)))


def _answer_chunks(request: Request, body: ChatIn, given: GivenAnswer) -> list[dict[str, Any]]:
    head = _head(given, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}

    chunks = [chunk({"role": "assistant", "content": ""}), chunk({"content": _text(request, body, given)})]
    # All in one chunk, each with its index: clients that join the chunks of a stream fail on a second one.
    if cited := url_citations(given, base_of(request)):
        chunks.append(chunk({"annotations": [{**each, "index": n} for n, each in enumerate(cited)]}))
    chunks.append(chunk({}, "stop"))
    if body.stream_options and body.stream_options.include_usage:
        chunks.append({**head, "choices": [], "usage": usage(given)})
    return chunks


def url_citations(given: GivenAnswer, base: str) -> list[dict[str, Any]]:
    """Return the citations as url_citation, over the whole answer; the title says file, headings and page."""
    answer = given.answer
    cited = [answer.probable] if answer.probable else answer.citations
    length = len(message_text(given))
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": 0,
                "end_index": length,
                "title": each.location,
                "url": document_url(base, each.document, each.start, each.end),
            },
        }
        for each in cited
    ]


def usage(given: GivenAnswer) -> dict[str, int]:
    """Return the tokens of prompt and answer."""
    return {
        "prompt_tokens": given.read,
        "completion_tokens": given.written,
        "total_tokens": given.read + given.written,
    }
