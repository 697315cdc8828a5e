"""The server's own endpoints for questions: /ask and /search."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from rag.answering.answer_facts import answer_facts
from rag.server.api.asking import Asked, result_of, service_of, told_in_stream
from rag.server.api.conversation import rewritten
from rag.server.api.shapes import EVENTS, AnswerOut, AskIn, SearchIn, SearchOut, answer_out, base_of, passage_out
from rag.server.work.service import Wish

router = APIRouter(tags=["questions"])


@router.post("/ask", response_model=AnswerOut, responses=EVENTS)
async def ask(request: Request, body: AskIn) -> AnswerOut | Response:
    """Answer a question. With `stream`, server-sent events: passages, text (unchecked, as it grows), then answer."""
    turns = [(turn.question, turn.answer) for turn in body.history]
    turns.append((body.question, ""))
    asked, question = rewritten(turns)
    begun = body.conversation or turns[0][0]
    started = await Asked(request, Wish(asked, question, tuple(body.documents), body.model, begun)).start()
    if body.stream:
        return EventSourceResponse(_events(request, started))
    return answer_out(await started.answer(), base_of(request))


@router.post("/ask/whole", include_in_schema=False)
async def ask_whole(request: Request, body: AskIn) -> JSONResponse:
    """Answer a question with all that the command line prints of an answer."""
    wish = Wish(body.question, body.question, tuple(body.documents), body.model)
    given = await (await Asked(request, wish).start()).answer()
    return JSONResponse(answer_facts(given.answer))


async def _events(request: Request, started: Asked) -> AsyncIterator[ServerSentEvent]:
    try:
        async for kind, what in started.events():
            yield ServerSentEvent(event=kind, data=json.dumps(_facts(request, kind, what), ensure_ascii=False))
    except Exception as error:  # noqa: BLE001 - the status is sent already: the client gets an event
        yield ServerSentEvent(event="error", data=json.dumps(told_in_stream(request, error)))


def _facts(request: Request, kind: str, what: Any) -> Any:
    if kind == "answer":
        return answer_out(what, base_of(request)).model_dump()
    return [passage_out(passage).model_dump() for passage in what] if kind == "passages" else what


@router.post("/search")
async def search(request: Request, body: SearchIn) -> SearchOut:
    """Find passages, with the scores of each stage of the search."""
    service = service_of(request)
    found = await result_of(request, lambda: service.search(body.words, body.k, tuple(body.documents)))
    return SearchOut(passages=[passage_out(passage) for passage in found])
