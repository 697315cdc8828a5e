"""OpenAI's responses, whole and streamed: a file search with the passages, then the message with its citations."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from rag.server.api.asking import Asked, service_of, told_in_stream
from rag.server.api.conversation import Message, asked_in, first_question, message_text, rewritten, with_sources
from rag.server.api.errors import ApiError
from rag.server.api.openai_chat import url_citations
from rag.server.api.shapes import EVENTS, LONGEST, Names, Received, base_of
from rag.server.state.recent import GivenAnswer
from rag.server.work.service import Wish

router = APIRouter(tags=["OpenAI"])


class ResponsesIn(Received):
    """A question, or a conversation whose last message is one; what else OpenAI's clients send is not read.

    previous_response_id: an answer that this question follows. sources_in_text, documents: as in chat completions.
    """

    input: str | list[Message] = Field(min_length=1, max_length=LONGEST, examples=["When was Kestrel Bay built?"])
    model: str = Field("ragtune", max_length=200)
    stream: bool | None = False
    previous_response_id: str | None = Field(None, max_length=100)
    sources_in_text: bool | None = None
    documents: Names = []


class ResponsesOut(BaseModel):
    """OpenAI's response."""

    id: str
    object: str
    created_at: int
    status: str
    model: str
    output: list[dict[str, Any]]
    usage: dict[str, Any]


@router.post("/v1/responses", response_model=ResponsesOut, responses=EVENTS)
async def respond(request: Request, body: ResponsesIn) -> Response:
    """Answer the input. A stream sends the checked answer, not what is written before it is checked."""
    asked, question, begun = _asked(request, body)
    started = await Asked(request, Wish(asked, question, tuple(body.documents), body.model, begun)).start()
    if body.stream:
        return EventSourceResponse(_events(request, body, started), ping=5)
    given = await started.answer()
    return JSONResponse(_response(given, body, _output(request, body, given)))


def _asked(request: Request, body: ResponsesIn) -> tuple[str, str, str]:
    """Return the question as it was asked, as it stands alone, and what tells its conversation from others."""
    if not isinstance(body.input, str):
        return *asked_in(body.input), first_question(body.input)
    if not body.previous_response_id:
        return body.input, body.input, body.input
    former = service_of(request).recent.get(body.previous_response_id)
    if former is None:
        raise ApiError(404, "that response is not remembered any more: send the conversation as input")
    return *rewritten([(former.question, former.answer.text), (body.input, "")]), former.conversation


def _response(given: GivenAnswer, body: ResponsesIn, output: list[dict[str, Any]]) -> dict[str, Any]:
    tokens = {
        "input_tokens": given.read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": given.written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given.read + given.written,
    }
    return {
        "id": given.id,
        "created_at": given.created,
        "model": given.model,
        "output": output,
        "usage": tokens,
        "status": "completed",
        "previous_response_id": body.previous_response_id,
        **_CONSTANT,
    }


# What OpenAI's clients expect in every response.
_CONSTANT: dict[str, Any] = {
    "object": "response",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": False,
    "temperature": 0.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}


def _output(request: Request, body: ResponsesIn, given: GivenAnswer) -> list[dict[str, Any]]:
    text, wanted = message_text(given), body.sources_in_text
    listed = service_of(request).limits.sources_in_text if wanted is None else wanted
    part = {
        "type": "output_text",
        "text": with_sources(text, given) if listed else text,
        "annotations": _annotations(given, base_of(request)),
        "logprobs": [],
    }
    message = {"id": f"msg_{given.id}", "type": "message", "role": "assistant", "status": "completed"}
    return [_search(given), {**message, "content": [part]}]


def _search(given: GivenAnswer) -> dict[str, Any]:
    results = [
        {
            "file_id": passage.chunk.document,
            "filename": passage.chunk.document,
            "score": min(1.0, max(0.0, passage.cosine or 0.0)),
            "text": passage.chunk.text,
            "attributes": {"location": passage.chunk.location[:512], "start": passage.chunk.start},
        }
        for passage in given.answer.passages
    ]
    head = {"id": f"fs_{given.id}", "type": "file_search_call", "status": "completed"}
    return {**head, "queries": [given.question], "results": results}


def _annotations(given: GivenAnswer, base: str) -> list[dict[str, Any]]:
    """Return each citation as file_citation, and again as url_citation for programs that show only those."""
    answer = given.answer
    cited = [answer.probable] if answer.probable else answer.citations
    end = len(message_text(given))
    files = [
        {"type": "file_citation", "file_id": each.document, "filename": each.document, "index": end} for each in cited
    ]
    urls = [{"type": "url_citation", **each["url_citation"]} for each in url_citations(given, base)]
    return [*files, *urls]


async def _events(request: Request, body: ResponsesIn, started: Asked) -> AsyncIterator[ServerSentEvent]:
    try:
        async for kind, what in started.events():
            if kind == "answer":
                output = _output(request, body, what)
                for number, event in enumerate(_told(_response(what, body, output), output)):
                    data = json.dumps({**event, "sequence_number": number}, ensure_ascii=False)
                    yield ServerSentEvent(event=event["type"], data=data)
    except Exception as error:  # noqa: BLE001 - the status is sent already: the client gets an event
        body_of = told_in_stream(request, error)
        facts = {**body_of["error"], **body_of, "type": "error", "sequence_number": 0}
        yield ServerSentEvent(event="error", data=json.dumps(facts))


def _told(response: dict[str, Any], output: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a response as the events that OpenAI's interface streams."""
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    search, message = output
    yield from _told_search(search)
    yield from _told_message(message)
    yield {"type": "response.completed", "response": response}


def _told_search(search: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"output_index": 0, "item_id": search["id"]}
    begun = {**search, "status": "in_progress", "results": None}
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    for state in ("in_progress", "searching", "completed"):
        yield {"type": f"response.file_search_call.{state}", **place}
    yield {"type": "response.output_item.done", "output_index": 0, "item": search}


def _told_message(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"output_index": 1, "content_index": 0, "item_id": message["id"]}
    (part,) = message["content"]
    begun = {**message, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 1, "item": begun}
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": "", "annotations": []}}
    yield {"type": "response.output_text.delta", **place, "delta": part["text"], "logprobs": []}
    for number, annotation in enumerate(part["annotations"]):
        yield {
            "type": "response.output_text.annotation.added",
            **place,
            "annotation": annotation,
            "annotation_index": number,
        }
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": 1, "item": message}
