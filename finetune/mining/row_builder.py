"""From the questions for a candidate to at most one row: checked, put in a query style, and labelled."""

from __future__ import annotations

import random

from finetune.mining import filters
from finetune.mining.candidates import Candidate
from finetune.mining.cloze import cloze_question
from finetune.mining.labeling import Searcher, label_question
from finetune.mining.mined_rows import MinedRows, Reject
from finetune.mining.query_styles import apply_style, pick_style
from finetune.mining.question_checks import QuestionChecks
from finetune.settings import RowSettings


class RowBuilder:
    """Adds rows about single candidates to the mined ones."""

    def __init__(
        self,
        searcher: Searcher,
        checks: QuestionChecks,
        mined: MinedRows,
        settings: RowSettings,
        rng: random.Random,
    ):
        self._searcher, self._checks, self._mined = searcher, checks, mined
        self._settings, self._rng = settings, rng

    def add_best(self, questions: list[str], candidate: Candidate, *, by_model: bool = True) -> bool:
        """Add a row for the question whose answer the sentence supports best, and return whether there is one.

        All other questions are rejected. by_model: whether a model wrote the questions.
        """
        known, checks = self._mined.known, self._checks
        verdicts = {q: checks.check(q, candidate, known, by_model=by_model) for q in questions}
        reasons = {question: verdict.reason for question, verdict in verdicts.items() if verdict.reason}
        passed = [question for question in verdicts if question not in reasons]
        best = max(passed, key=lambda question: verdicts[question].support, default=None)
        added = False
        if best is not None:
            reasons |= {q: "another question for its span is better" for q in passed if q != best}
            reason = self._add(best, candidate)
            reasons |= {best: reason} if reason else {}
            added = reason is None
        for question, reason in reasons.items():
            document = candidate.chunk.document
            self._mined.rejects.append(Reject(question, candidate.span, candidate.marked, document, reason))
        return added

    def add_cloze(self, candidate: Candidate) -> bool:
        """Add a row for the cloze question of the candidate's sentence, and return whether there is one."""
        question = cloze_question(candidate) if self._settings.cloze else None
        added = question is not None and self.add_best([question], candidate, by_model=False)
        self._mined.cloze += added
        return added

    def _add(self, question: str, candidate: Candidate) -> str | None:
        """Add the row for a question that passed, or return the reason why there is none."""
        styled, style = apply_style(question, pick_style(self._rng, self._settings.query_styles), self._rng)
        row = label_question(
            styled,
            candidate,
            self._searcher,
            self._settings.reach,
            leave_out=self._rng.random() < self._settings.left_out,
            allow_other_answers=filters.answered_otherwise.__name__ in self._checks.without,
        )
        if isinstance(row, str):
            return row
        self._mined.add(row, self._mined.part_of(candidate.chunk), question, style)
        return None
