"""Verdicts on answers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from rag.server.api.asking import metrics_of, service_of
from rag.server.api.errors import ApiError
from rag.server.api.shapes import FeedbackIn, answer_out, base_of
from rag.server.state.feedback import Feedback, now

router = APIRouter(tags=["feedback"])


class FeedbackList(BaseModel):
    """All feedback, the oldest first."""

    feedback: list[Feedback]


@router.post("/feedback", status_code=201)
def give(request: Request, body: FeedbackIn) -> Feedback:
    """Keep what is said of an answer given of late; it replaces what was said of it before."""
    service, correction = service_of(request), (body.correction or "").strip()
    given = service.given(body.answer)
    if given is None:
        raise _forgotten()
    if not (body.thumb or correction or body.unanswerable):
        raise ApiError(400, "there is neither a thumb nor a correction: send one")
    if body.unanswerable and correction:
        raise ApiError(400, "a question that nothing answers has no right answer: send one of the two")
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
        given.answer.kind,
        body.unanswerable,
    )
    service.feedback.put(feedback, given.assigned)
    if service.given(given.id) is None:  # a document has left since, and the feedback that showed it
        service.feedback.take_back(given.id)
        raise _forgotten()
    metrics_of(request).feedback.labels(given.model, feedback.thumb).inc()
    return feedback


def _forgotten() -> ApiError:
    return ApiError(404, "that answer is not remembered any more, or shows a document that was removed: ask again")


@router.get("/feedback")
def listed(request: Request) -> FeedbackList:
    """List all feedback."""
    return FeedbackList(feedback=service_of(request).feedback.all())
