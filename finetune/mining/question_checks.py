"""All filters in order: those that need no model, then the cross-encoder, then the reader."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from finetune.mining import filters
from finetune.mining.candidates import Candidate
from finetune.mining.labeling import Searcher
from finetune.mining.round_trip import RoundTrip


class Verdict(NamedTuple):
    """support: the cross-encoder's score of the span as the answer, 1 where it was not asked. reason: None to keep."""

    support: float
    reason: str | None


class QuestionChecks:
    """Checks questions, the cheap filters first."""

    def __init__(self, searcher: Searcher, round_trip: RoundTrip | None, without: Collection[str] = ()):
        """round_trip: None to ask no model. without: names of filters to leave out."""
        self._searcher, self._round_trip, self.without = searcher, round_trip, without

    def check(self, question: str, candidate: Candidate, known: Iterable[frozenset[str]], *, by_model: bool) -> Verdict:
        """Return whether to keep a question.

        known: `query_terms` of questions that it must not repeat. by_model: whether a model wrote it; the reader must
        then find its span again.
        """
        reason = filters.model_free_reason(question, candidate, known, self.without)
        if reason or not self._round_trip:
            return Verdict(1.0, reason)
        shown = [passage.chunk for passage in self._searcher.search(question)]
        support, best_rival = self._round_trip.support(question, candidate, shown)
        if filters.unsupported.__name__ not in self.without:
            reason = filters.unsupported(support, best_rival)
        if not reason and by_model and filters.not_found_again.__name__ not in self.without:
            reason = filters.not_found_again(self._round_trip.read(question, candidate.chunk), candidate.span)
        return Verdict(support, reason)
