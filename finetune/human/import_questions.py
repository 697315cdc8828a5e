"""Import people's questions as rows, labelled through the serving retriever as mined ones are, or rejected."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from finetune.data.rows import UNANSWERABLE, TrainingRow
from finetune.data.split import PARTS, UNMINED, Split, document_part
from finetune.human.find_answer import find_answer, on_one_line
from finetune.mining.candidates import Candidate
from finetune.mining.labeling import CachedSearcher, Searcher, label_question, row_id
from rag.core.chunk import Chunk
from rag.core.errors import DataError
from rag.core.jsonl import file_digest, write_lines
from rag.core.run_folder import Stage
from rag.core.text_metrics import normalize
from rag.labels.answer_place import answer_places
from rag.labels.document_names import DocumentNames
from rag.labels.folded_text import FoldedText
from rag.labels.label_file import LabelFile
from rag.labels.label_row import LabelledQuestion, RejectedRow

HUMAN = "human"  # the kind of candidates that people asked for
ANSWER_NOT_IN_DOCUMENT = "its document does not have the answer word for word"
ANSWER_NOT_FOUND = "no passage found has the answer word for word"
NOT_IN_INDEX = "its document is not in the index"
NOTHING_FOUND = "no passage is found for it"
KEPT_OUT = "its document is kept out of training, for testing"
ASKED_BEFORE = "asked before in this file"


@dataclass(frozen=True)
class Respelling:
    """An answer that is kept as its passage has it, not as the person wrote it. row: its number in the file."""

    row: int
    written: str
    kept: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.written!r} is kept as its passage has it, {self.kept!r}"


@dataclass
class Imported:
    """What became of a file: rows, questions that gave none, and answers that are spelt otherwise in their passage."""

    stage: Stage
    rows: list[TrainingRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    respelled: list[Respelling] = field(default_factory=list)


def import_file(labels: LabelFile, run: str, retriever: Searcher, reach: int) -> Imported:
    """Import a file into a run, as the stage import/FILE with its rows; one of the same name is replaced.

    reach: among how many retrieved passages a question must find its own.
    """
    split = Split.of_run(run, retriever.chunks)
    imported = _label_questions(labels, run, QuestionImporter(retriever, reach))
    parts = {part: [row for row in imported.rows if split.part_of(row.document, row.gold[0]) == part] for part in PARTS}
    stage = imported.stage
    stage.clear()
    for part, of_part in parts.items():
        write_lines(stage.folder / f"{part}.jsonl", of_part)
    write_lines(stage.folder / "rejects.jsonl", map(dataclasses.asdict, imported.rejected))
    write_lines(stage.folder / "respelled.jsonl", imported.respelled)
    stage.finish(
        {
            "file": str(labels.path),
            "data": file_digest(labels.path),
            "held_out": split.held_out,
            "kept": {part: dict(Counter(row.kind for row in of_part)) for part, of_part in parts.items()},
            "rejected": dict(Counter(rejected.reason for rejected in imported.rejected).most_common()),
        }
    )
    return imported


def _label_questions(labels: LabelFile, run: str, importer: QuestionImporter) -> Imported:
    """Label each question that could be read, and list those that give no row with those that could not."""
    imported = Imported(Stage(run, f"import/{labels.path.name}"), rejected=list(labels.rejected))
    seen: dict[str, LabelledQuestion] = {}
    for question in tqdm(labels.questions, desc=labels.path.name, unit=" questions", delay=1):
        asked = normalize(question.question)
        row = _asked_before(question, seen[asked]) if asked in seen else importer.row_for(question)
        if isinstance(row, RejectedRow):
            imported.rejected.append(row)
            continue
        seen[asked] = question
        imported.rows.append(row)
        if row.answer and row.answer not in map(on_one_line, question.answers):
            imported.respelled.append(Respelling(question.row, _written(question, row.answer), row.answer))
    imported.rejected.sort(key=lambda rejected: rejected.row)
    return imported


def _written(question: LabelledQuestion, kept: str) -> str:
    """Return the one of the person's answers that was found in the form that is kept."""
    found = (answer for answer in question.answers if any(answer_places(answer, FoldedText(kept))))
    return on_one_line(next(found, question.answers[0]))


def _asked_before(question: LabelledQuestion, first: LabelledQuestion) -> RejectedRow:
    other = "" if set(question.answers) == set(first.answers) else ", with another answer"
    return rejection(question, ASKED_BEFORE, f"in row {first.row}{other}")


def rejection(question: LabelledQuestion, reason: str, detail: str = "") -> RejectedRow:
    """Return the rejection of a question that could be read."""
    cells: dict[str, Any] = {"question": question.question, "answers": list(question.answers)}
    return RejectedRow(question.row, reason, detail, {**cells, "document": question.document})


class QuestionImporter:
    """Finds the passage that answers a person's question, and labels the question."""

    def __init__(self, retriever: Searcher, reach: int):
        self._searcher, self._reach = CachedSearcher(retriever, reach), reach
        self._documents: dict[str, list[Chunk]] = {}
        for chunk in retriever.chunks:
            self._documents.setdefault(chunk.document, []).append(chunk)
        self._names = DocumentNames(self._documents)

    def row_for(self, question: LabelledQuestion) -> TrainingRow | RejectedRow:
        """Return the question's row, or why there is none."""
        try:
            document = self._names.find(question.document) if question.document else ""
        except DataError as error:
            return rejection(question, NOT_IN_INDEX, str(error))
        found = [passage.chunk for passage in self._searcher.search(question.question, self._reach)]
        if not question.answers:
            return self._unanswerable_row(question, document, found)
        chunks = self._documents[document] if document else found
        nearest_first = sorted(chunks, key=lambda chunk: found.index(chunk) if chunk in found else self._reach)
        home, span = find_answer(question.answers, nearest_first, question.contexts)
        if home is None:
            reason = ANSWER_NOT_IN_DOCUMENT if document else ANSWER_NOT_FOUND
            return rejection(question, reason, repr(on_one_line(question.answers[0])[:80]))
        if document_part(home.document) == UNMINED:
            return rejection(question, KEPT_OUT, home.document)
        candidate = Candidate(home, (0, len(home.text)), 0, span, HUMAN)
        row = label_question(question.question, candidate, self._searcher, self._reach)
        return rejection(question, row) if isinstance(row, str) else row

    def _unanswerable_row(
        self, question: LabelledQuestion, document: str, found: Sequence[Chunk]
    ) -> TrainingRow | RejectedRow:
        # It belongs to the part of the document that was named, else of the nearest one.
        if not found:
            return rejection(question, NOTHING_FOUND)
        named = [chunk for chunk in found if chunk.document == document]
        nearest = (named or self._documents[document])[0] if document else found[0]
        if document_part(nearest.document) == UNMINED:
            return rejection(question, KEPT_OUT, nearest.document)
        return TrainingRow(
            row_id(nearest, question.question),
            question.question,
            "",
            UNANSWERABLE,
            nearest.document,
            (nearest.start, nearest.end),
            tuple(found[: self._searcher.settings.passages]),
            cited=0,
        )
