"""What Prometheus can read of the server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rag.server.state.recent import GivenAnswer

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server, with a registry of their own."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "ragtune_requests", "Requests by route and status.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "ragtune_request_seconds", "Seconds until a response ended.", ["route"], buckets=SECONDS, registry=registry
        )
        self.answers = Counter(
            "ragtune_answers", "Answers by model, kind and whether refused.", ["model", "kind"], registry=registry
        )
        self.answer_seconds = Histogram(
            "ragtune_answer_seconds", "Seconds of each part of answering.", ["part"], buckets=SECONDS, registry=registry
        )
        self.waiting = Gauge("ragtune_waiting_questions", "Questions that wait for the model.", registry=registry)
        self.feedback = Counter("ragtune_feedback", "Verdicts on answers.", ["model", "thumb"], registry=registry)

    def count_answer(self, given: GivenAnswer) -> None:
        """Count an answer and the seconds of its parts."""
        self.answers.labels(given.model, given.answer.kind).inc()
        for part, seconds in given.answer.timings.items():
            self.answer_seconds.labels(part).observe(seconds)

    def text(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        return generate_latest(self.registry)
