"""People's questions become rows as mined ones do: context from the serving retriever, the label that the context earns, or a reject with its reason."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from finetune.data.rows import TrainingRow
from finetune.data.split import PARTS, UNMINED, Split, document_part
from finetune.human.human_questions import HumanQuestion, read_human_questions
from finetune.mining.labeling import label
from finetune.mining.question_prompt import Candidate
from rag.core.chunk import Chunk
from rag.core.jsonl import file_digest, write_lines
from rag.core.run_folder import Stage
from rag.core.text_metrics import normalize
from rag.retrieval.retriever import Retriever


def import_file(path: Path, run: str, retriever: Retriever, reach: int) -> Stage:
    """-> the stage import/FILE of the run, with train.jsonl, dev.jsonl, gate.jsonl and rejects.jsonl; an import of the same name is replaced."""
    rows: dict[str, list[TrainingRow]] = {part: [] for part in PARTS}
    rejects, seen, importer = [], set(), _Importer(retriever, reach, Split.of_run(run, retriever.chunks))
    for line, asked in tqdm(list(read_human_questions(path)), desc=path.name, unit=" questions"):
        row, reason = (None, asked) if isinstance(asked, str) else importer.row(asked)
        if row is not None and normalize(row.question) in seen:
            row, reason = None, "asked before in this file"
        if row is None:
            rejects.append({**line, "reason": reason})
            continue
        seen.add(normalize(row.question))
        rows[importer.split.part_of(row.document, row.gold[0])].append(row)
    stage = Stage(run, f"import/{path.name}")
    stage.clear()
    for name, kept in rows.items():
        write_lines(stage.folder / f"{name}.jsonl", kept)
    write_lines(stage.folder / "rejects.jsonl", rejects)
    counts = {name: dict(Counter(row.kind for row in kept)) for name, kept in rows.items()}
    stage.finish(
        {
            "file": str(path),
            "data": file_digest(path),
            "held_out": importer.split.held_out,
            "kept": counts,
            "rejected": dict(Counter(r["reason"] for r in rejects).most_common()),
        }
    )
    return stage


class _Importer:
    def __init__(self, retriever: Retriever, reach: int, split: Split):
        self._retriever, self._reach, self.split = retriever, reach, split
        self._documents: dict[str, list[Chunk]] = {}
        for chunk in retriever.chunks:
            self._documents.setdefault(chunk.document, []).append(chunk)

    def row(self, asked: HumanQuestion) -> tuple[TrainingRow | None, str | None]:
        """-> the row, or None and the reason."""
        if asked.document and asked.document not in self._documents:
            return None, "its document is not in the index"
        found = [passage.chunk for passage in self._retriever.search(asked.question, self._reach)]
        if not asked.answers:
            return self._unanswerable(asked, found)
        looked_in = self._documents[asked.document] if asked.document else found
        home, span = find_answer(
            asked.answers, sorted(looked_in, key=lambda c: found.index(c) if c in found else self._reach)
        )
        if home is None:
            return (
                None,
                "its answer stands literally nowhere in its document"
                if asked.document
                else "its answer stands literally in no passage found",
            )
        if document_part(home.document) == UNMINED:
            return None, "its document is kept out of training, for testing"
        spot = Candidate(-1, (0, len(home.text)), " > ".join(home.headings or (home.title,)), home.text, span, "asked")
        return label(asked.question, spot, home, self._retriever, False, self._reach)

    def _unanswerable(self, asked: HumanQuestion, found: list[Chunk]) -> tuple[TrainingRow | None, str | None]:
        """Its document is the one named, else the nearest one, so that it falls to that one's part."""
        if not found:
            return None, "no passage is found for it"
        near = (
            next((c for c in found if c.document == asked.document), self._documents[asked.document][0])
            if asked.document
            else found[0]
        )
        if document_part(near.document) == UNMINED:
            return None, "its document is kept out of training, for testing"
        id, context = (
            f"{near.document}:{near.start}:{asked.question}",
            tuple(found[: self._retriever.settings.passages]),
        )
        return TrainingRow(
            id, asked.question, "", "unanswerable", near.document, (near.start, near.end), context, 0
        ), None


def find_answer(answers: tuple[str, ...], chunks: list[Chunk]) -> tuple[Chunk | None, str]:
    """-> the first chunk in which an answer stands whole, and the answer as the prompt shows it there, on one line: capitals and white space may differ."""
    literal = [r"\s+".join(map(re.escape, answer.split())) for answer in answers]
    patterns = [re.compile(rf"(?<!\w){text}(?!\w)", re.IGNORECASE) for text in literal]
    for chunk in chunks:
        for pattern in patterns:
            if found := pattern.search(chunk.text):
                return chunk, " ".join(found.group().split())
    return None, ""
