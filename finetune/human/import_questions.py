"""Import people's questions as rows, labelled through the serving retriever as mined ones are, or rejected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from finetune.data.rows import UNANSWERABLE, TrainingRow
from finetune.data.split import PARTS, UNMINED, Split, document_part
from finetune.human.human_questions import HumanQuestion, read_human_questions
from finetune.mining.candidates import Candidate
from finetune.mining.labeling import CachedSearcher, Searcher, label_question, row_id
from rag.core.chunk import Chunk
from rag.core.jsonl import file_digest, write_lines
from rag.core.run_folder import Stage
from rag.core.text_metrics import normalize

HUMAN = "human"  # the kind of candidates that people asked for
ANSWER_NOT_IN_DOCUMENT = "its document does not have the answer word for word"
ANSWER_NOT_FOUND = "no passage found has the answer word for word"
KEPT_OUT = "its document is kept out of training, for testing"


def import_file(path: Path, run: str, retriever: Searcher, reach: int) -> Stage:
    """Import a file into a run and return the stage import/FILE with its rows; one of the same name is replaced.

    reach: among how many retrieved passages a question must find its own.
    """
    split = Split.of_run(run, retriever.chunks)
    rows, rejects = _label_lines(path, QuestionImporter(retriever, reach))
    parts = {part: [row for row in rows if split.part_of(row.document, row.gold[0]) == part] for part in PARTS}
    stage = Stage(run, f"import/{path.name}")
    stage.clear()
    for part, of_part in parts.items():
        write_lines(stage.folder / f"{part}.jsonl", of_part)
    write_lines(stage.folder / "rejects.jsonl", rejects)
    stage.finish(
        {
            "file": str(path),
            "data": file_digest(path),
            "held_out": split.held_out,
            "kept": {part: dict(Counter(row.kind for row in of_part)) for part, of_part in parts.items()},
            "rejected": dict(Counter(reject["reason"] for reject in rejects).most_common()),
        }
    )
    return stage


def _label_lines(path: Path, importer: QuestionImporter) -> tuple[list[TrainingRow], list[dict[str, Any]]]:
    """Return the file's rows, and the lines that gave none with the reason."""
    rows: list[TrainingRow] = []
    rejects: list[dict[str, Any]] = []
    seen: set[str] = set()
    for line, question in tqdm(list(read_human_questions(path)), desc=path.name, unit=" questions"):
        row = question if isinstance(question, str) else importer.row_for(question)
        if not isinstance(row, str) and normalize(row.question) in seen:
            row = "asked before in this file"
        if isinstance(row, str):
            rejects.append({**line, "reason": row})
        else:
            seen.add(normalize(row.question))
            rows.append(row)
    return rows, rejects


class QuestionImporter:
    """Finds the passage that answers a person's question, and labels the question."""

    def __init__(self, retriever: Searcher, reach: int):
        self._searcher, self._reach = CachedSearcher(retriever, reach), reach
        self._documents: dict[str, list[Chunk]] = {}
        for chunk in retriever.chunks:
            self._documents.setdefault(chunk.document, []).append(chunk)

    def row_for(self, question: HumanQuestion) -> TrainingRow | str:
        """Return the question's row, or the reason why there is none."""
        if question.document and question.document not in self._documents:
            return "its document is not in the index"
        found = [passage.chunk for passage in self._searcher.search(question.question, self._reach)]
        if not question.answers:
            return self._unanswerable_row(question, found)
        chunks = self._documents[question.document] if question.document else found
        nearest_first = sorted(chunks, key=lambda chunk: found.index(chunk) if chunk in found else self._reach)
        home, span = find_answer(question.answers, nearest_first)
        if home is None:
            return ANSWER_NOT_IN_DOCUMENT if question.document else ANSWER_NOT_FOUND
        if document_part(home.document) == UNMINED:
            return KEPT_OUT
        candidate = Candidate(home, (0, len(home.text)), 0, span, HUMAN)
        return label_question(question.question, candidate, self._searcher, self._reach)

    def _unanswerable_row(self, question: HumanQuestion, found: Sequence[Chunk]) -> TrainingRow | str:
        # It belongs to the part of the document that was named, else of the nearest one.
        if not found:
            return "no passage is found for it"
        named = [chunk for chunk in found if chunk.document == question.document]
        nearest = (named or self._documents[question.document])[0] if question.document else found[0]
        if document_part(nearest.document) == UNMINED:
            return KEPT_OUT
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


def find_answer(answers: Sequence[str], chunks: Sequence[Chunk]) -> tuple[Chunk | None, str]:
    """Return the first passage that has an answer as whole words, and the answer as it stands there, on one line.

    Capitals and white space may differ.
    """
    literal = [r"\s+".join(map(re.escape, answer.split())) for answer in answers]
    patterns = [re.compile(rf"(?<!\w){text}(?!\w)", re.IGNORECASE) for text in literal]
    for chunk in chunks:
        for pattern in patterns:
            if found := pattern.search(chunk.text):
                return chunk, " ".join(found.group().split())
    return None, ""
