"""Verdicts on answers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from rag.server.api.asking import metrics_of, service_of
from rag.server.api.errors import ApiError
from rag.server.api.shapes import FeedbackIn, answer_out, base_of
from rag.server.state.feedback import Feedback, now

router = APIRouter(tags=["feedback"])


class FeedbackOut(BaseModel):
    """Feedback with the question, the answer and the passages that were shown."""

    time: str
    answer: str
    question: str
    model: str
    text: str
    refused: bool
    confidence: float
    thumb: str | None
    correction: str | None
    citations: list[dict[str, Any]]
    passages: list[dict[str, Any]]


class FeedbackList(BaseModel):
    """All feedback, the oldest first."""

    feedback: list[FeedbackOut]


@router.post("/feedback", status_code=201)
def give(request: Request, body: FeedbackIn) -> FeedbackOut:
    """Keep a thumb, a correction or both for an answer given of late; it replaces what was said of it before."""
    service, correction = service_of(request), (body.correction or "").strip()
    given = service.given(body.answer)
    if given is None:
        raise ApiError(404, "that answer is not remembered any more, or shows a document that was removed: ask again")
    if not body.thumb and not correction:
        raise ApiError(400, "there is neither a thumb nor a correction: send one")
    facts = answer_out(given, base_of(request)).model_dump()
    feedback = Feedback(
        now(),
        given.id,
        given.question,
        given.model,
        given.answer.text,
        given.answer.refused,
        given.answer.confidence,
        body.thumb or "down",
        correction or None,
        facts["citations"],
        facts["passages"],
    )
    service.feedback.put(feedback)
    metrics_of(request).feedback.labels(given.model, feedback.thumb).inc()
    return FeedbackOut(**vars(feedback))


@router.get("/feedback")
def listed(request: Request) -> FeedbackList:
    """List all feedback."""
    return FeedbackList(feedback=[FeedbackOut(**vars(each)) for each in service_of(request).feedback.all()])
