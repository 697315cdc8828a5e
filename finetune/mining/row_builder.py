"""What becomes of each mined question: a row with the context that the serving retriever gives and the label that it earns, or a reject with its reason."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection

from tqdm import tqdm

from finetune.data.rows import TrainingRow
from finetune.data.split import PARTS, Split
from finetune.mining import filters
from finetune.mining.cloze import cloze_question
from finetune.mining.labeling import label, multihop_row, unanswerable_row
from finetune.mining.multihop import MULTIHOP, Description, MultihopQuestion, multihop_questions
from finetune.mining.query_styles import FULL, apply_style, pick_style
from finetune.mining.question_prompt import Candidate
from finetune.mining.round_trip import RoundTrip
from finetune.mining.unanswerable import SWAPPED, Terms, swaps
from finetune.settings import RowSettings
from rag.core.chunk import Chunk
from rag.retrieval.retriever import Passage, Retriever

OF_ONE = 2  # questions that one description stands in, at most




class _Once:
    """The retriever, searching once for what is asked for several times on end."""

    def __init__(self, retriever: Retriever, reach: int):
        self.chunks, self.settings = retriever.chunks, retriever.settings
        self._retriever, self._reach = retriever, max(reach, retriever.settings.passages)
        self._asked, self._found = "", []

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        if question != self._asked:
            self._asked, self._found = question, self._retriever.search(question, self._reach)
        return self._found[: k or self.settings.passages]


class RowBuilder:
    """Puts each question among the rows of its part or among the rejects."""

    def __init__(self, retriever: Retriever, round_trip: RoundTrip | None, settings: RowSettings):
        self.rows: dict[str, list[TrainingRow]] = {part: [] for part in PARTS}
        self.rejects: list[dict] = []
        self.voices: Counter[str] = Counter()
        self.in_place = 0
        self._retriever, self._round_trip, self._settings = _Once(retriever, settings.reach), round_trip, settings
        self._without = settings.left_out_filters
        self._kept: list[tuple[str, TrainingRow, str]] = []  # question in full, its row and part
        self._contents: list[frozenset[str]] = []
        self._rng = random.Random(settings.seed)
        self.split = Split.of(retriever.chunks)

    def judge(self, questions: list[str], spot: Candidate, written: bool = True) -> bool:
        """Keep of the questions that pass the one that the span answers best. written: by a model. -> whether one was kept."""
        chunk = self._retriever.chunks[spot.chunk]
        judged = {question: self._check(question, spot, chunk, written, self._contents) for question in questions}
        reasons = {question: reason for question, (_, reason) in judged.items() if reason}
        passed = [question for question in judged if question not in reasons]
        row = None
        if passed:
            question = max(passed, key=lambda asked: judged[asked][0])
            said, voice = apply_style(question, pick_style(self._rng, self._settings.query_styles), self._rng)
            leave_out = self._rng.random() < self._settings.left_out
            otherwise = "answered_otherwise" in self._without
            row, reason = label(
                said, spot, chunk, self._retriever, leave_out, self._settings.reach, otherwise=otherwise
            )
            reasons |= {asked: "another question for its span is better" for asked in passed if asked != question}
            if row:
                self._keep(question, row, voice, self._part_of(chunk))
            else:
                reasons[question] = str(reason)
        for question, reason in reasons.items():
            self.rejects.append(
                {
                    "question": question,
                    "answer": spot.span,
                    "text": spot.text,
                    "document": chunk.document,
                    "reason": reason,
                }
            )
        return row is not None

    def judge_in_place(self, spot: Candidate) -> bool:
        """The same of the one made from the span's sentence, if that gives any."""
        made = cloze_question(spot) if self._settings.cloze else None
        kept = bool(made) and self.judge([made], spot, written=False)
        self.in_place += kept
        return kept

    def _part_of(self, chunk: Chunk) -> str:
        return self.split.part_of(chunk.document, chunk.start)

    def _keep(self, question: str, row: TrainingRow, voice: str, name: str) -> None:
        """question: in full."""
        self.rows[name].append(row)
        self.voices[voice] += 1
        self._contents.append(filters.content(question))
        self._kept.append((question, row, name))

    def _check(
        self, question: str, spot: Candidate, chunk: Chunk, written: bool, kept: Collection[frozenset[str]]
    ) -> tuple[float, str | None]:
        """-> how well the span bears out that it answers the question, 1 where nobody is asked, and why the question is not worth keeping. What a model has
        written the reader reads, too. kept: the content words of those that it must not repeat."""
        reason = filters.plain_reason(question, spot, kept, self._without)
        if reason or not self._round_trip:
            return 1.0, reason
        own, rival = self._round_trip.supports(
            question, spot, chunk, [p.chunk for p in self._retriever.search(question)]
        )
        reason = None if "unsupported" in self._without else filters.unsupported(own, rival)
        if reason or not written or "not_found_again" in self._without:
            return own, reason
        return own, filters.not_found_again(self._round_trip.read(question, chunk), spot.span)

    def join(self) -> Counter[str]:
        """Add questions over two passages until they have their share or all have been tried. -> rejected ones by reason."""
        reasons: Counter[str] = Counter()
        of_one: Counter[Description] = Counter()
        every = list(multihop_questions(self._retriever.chunks, random.Random(self._settings.seed)))
        for made in tqdm(every, desc="joining", unit=" questions"):
            name, other = (
                self._part_of(self._retriever.chunks[n]) for n in (made.spot.chunk, made.by.chunk)
            )
            rows = self.rows.get(name, [])
            if (
                name != other
                or of_one[made.by] == OF_ONE
                or sum(row.kind == MULTIHOP for row in rows) >= self._settings.multihop * len(rows)
            ):
                continue
            row, reason = self._joined(made)
            if row:
                rows.append(row)
                of_one[made.by] += 1
                self.voices[FULL] += 1
                self._contents.append(filters.content(row.question))
                continue
            document, said = self._retriever.chunks[made.spot.chunk].document, f"{MULTIHOP}: {reason}"
            reasons[said] += 1
            self.rejects.append(
                {
                    "question": made.question,
                    "answer": made.spot.span,
                    "text": made.plain,
                    "document": document,
                    "reason": said,
                }
            )
        return reasons

    def _joined(self, made: MultihopQuestion) -> tuple[TrainingRow | None, str | None]:
        """-> the row, or None and the reason."""
        chunk = self._retriever.chunks[made.spot.chunk]
        repeated = None if "near_duplicate" in self._without else filters.near_duplicate(made.question, self._contents)
        reason = repeated or self._check(made.plain, made.spot, chunk, False, ())[1]
        return (None, reason) if reason else multihop_row(made, self._retriever.chunks, self._retriever)

    def fill_up(self) -> Counter[str]:
        """Twist kept questions until the share of unanswerable ones is reached or all have been tried. -> rejected ways of twisting by reason."""
        terms = Terms([c for c in self._retriever.chunks if self._part_of(c) in self.rows])
        reasons: Counter[str] = Counter()
        for question, row, name in self._rng.sample(self._kept, len(self._kept)):
            if row.cited and sum(not r.cited for r in self.rows[name]) < self._settings.unanswerable * len(
                self.rows[name]
            ):
                made, found = self._twisted(question, row, terms)
                self.rows[name] += made
                reasons.update(item["reason"] for item in found)
                self.rejects += found
        return reasons

    def _twisted(self, question: str, row: TrainingRow, terms: Terms) -> tuple[list[TrainingRow], list[dict]]:
        """-> the first way of twisting that passes, as a row, if any does; and the ways that did not."""
        found = []
        for way in swaps(question, row.passages[row.cited - 1], terms, self._rng):
            said, voice = apply_style(way.question, pick_style(self._rng, self._settings.query_styles), self._rng)
            made, reason = unanswerable_row(said, way, row, self._retriever)
            if made and filters.content(way.question) in self._contents:
                reason = "duplicate"
            if made and not reason:
                self._contents.append(filters.content(way.question))
                self.voices[voice] += 1
                return [made], found
            found.append(
                {
                    "question": way.question,
                    "answer": way.term,
                    "text": question,
                    "document": row.document,
                    "reason": f"{SWAPPED}: {reason}",
                }
            )
        return [], found
