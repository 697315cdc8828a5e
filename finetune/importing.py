"""People's questions as rows to train on: each goes through the serving retriever, and is labelled by what comes back, as mined ones are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from finetune.asked import Asked, read_asked
from finetune.data import Row, Stage, digest, read_lines, read_rows, write_lines
from finetune.mine import label, part_of
from finetune.questions import Candidate, candidate
from finetune.split import DEV, TRAIN, UNMINED, part
from rag.chunking import Chunk
from rag.grounding import sentences
from rag.retrieval import Retriever
from rag.scoring import normalize

STAGE = "import"
LONGEST = 16  # words of an answer; what answers with spans takes none of more than 24 tokens


def import_file(stage: Stage, path: Path, retriever: Retriever, reach: int) -> tuple[Counter[str], Counter[str]]:
    """Add the file's rows to the stage's train.jsonl and dev.jsonl, and what can't be used to rejects.jsonl; -> how many of each kind, and of each reason.
    A question that was imported before is labelled anew. reach: an answer must stand in one of this many passages found."""
    asked = read_asked(path)
    rows, rejects = _judged(asked, retriever, reach)
    anew = {normalize(one.question) for one in asked if not one.fault}  # a line that nobody has judged takes nothing back
    for name, found in rows.items():
        write_lines(stage.folder / f"{name}.jsonl", [*(row for row in imported(stage, name) if normalize(row.question) not in anew), *found])
    _add_rejects(stage.folder / "rejects.jsonl", rejects, {normalize(one.question) for one in asked})
    files = stage.receipt()["files"] if stage.finished else {}
    stage.finish({"files": {**files, path.name: digest(path)}, "kept": {name: len(imported(stage, name)) for name in rows}})
    return Counter(row.kind for found in rows.values() for row in found), Counter(item["reason"] for item in rejects)


def _add_rejects(path: Path, rejects: list[dict], questions: set[str]) -> None:
    before = read_lines(path) if path.exists() else []
    write_lines(path, [*(item for item in before if normalize(item["question"]) not in questions), *rejects])


def imported(stage: Stage, name: str) -> list[Row]:
    """-> the rows imported for a part so far."""
    path = stage.folder / f"{name}.jsonl"
    return read_rows(path) if path.exists() else []


def _judged(asked: list[Asked], retriever: Retriever, reach: int) -> tuple[dict[str, list[Row]], list[dict]]:
    documents = {chunk.document for chunk in retriever.chunks}
    dev_documents = any(part(document) == DEV for document in documents)
    rows: dict[str, list[Row]] = {TRAIN: [], DEV: []}
    rejects: list[dict] = []
    seen: set[str] = set()
    for one in tqdm(asked, desc="importing", unit=" questions"):
        reason = one.fault or ("duplicate" if normalize(one.question) in seen else _out_of_bounds(one.document, documents))
        row, reason = (None, reason) if reason else label_asked(one, retriever, reach)
        if row is None:
            rejects.append({"question": one.question, "answers": one.answers, "document": one.document, "reason": reason})
            continue
        seen.add(normalize(one.question))
        rows[_part(row, dev_documents)].append(row)
    return rows, rejects


def _out_of_bounds(document: str, documents: set[str]) -> str | None:
    if document and document not in documents:
        return "its document is not in the index"
    return "its document is one that nothing is trained on" if document and part(document) == UNMINED else None


def label_asked(asked: Asked, retriever: Retriever, reach: int) -> tuple[Row | None, str | None]:
    """-> the row, or None and the reason. The answer is the text of the first passage found that holds it word for word; mining's own rule then says
    whether it or the refusal is the label."""
    found = [passage.chunk for passage in retriever.search(asked.question, reach)]
    if not asked.answers:
        shown = tuple(found[: retriever.settings.passages])
        return Row(f"{asked.document}::{asked.question}", asked.question, "", "unanswerable", asked.document, (0, 0), shown, 0), None
    short = [answer for answer in asked.answers if len(answer.split()) <= LONGEST]
    if not short:
        return None, f"its answer is longer than {LONGEST} words"
    home = next((spot for chunk in found if asked.document in ("", chunk.document) and (spot := _spot(short, chunk))), None)
    if home is None:
        return None, f"its answer stands word for word in none of {reach} passages found"
    chunk, spot = home
    if part(chunk.document) == UNMINED:
        return None, "its document is one that nothing is trained on"
    return label(asked.question, spot, chunk, retriever, False, reach)


def _spot(answers: list[str], chunk: Chunk) -> tuple[Chunk, Candidate] | None:
    """-> the chunk with the first answer that stands in it as whole words, in any case and with any white space."""
    for answer in answers:
        words = r"\s+".join(map(re.escape, answer.split()))
        match = re.search(rf"(?<!\w){words}(?!\w)", chunk.text, re.IGNORECASE)
        if match:
            sentence = next((s for s in sentences(chunk.text) if s[0] <= match.start() < s[1]), (0, len(chunk.text)))
            spot = candidate(0, chunk, sentence, match.start(), match.group(), "asked")
            return chunk, replace(spot, span=" ".join(match.group().split()))  # as the prompt shows it, on one line
    return None


def _part(row: Row, dev_documents: bool) -> str:
    """A question that no document answers is dealt by its own words."""
    home = next((c for c in row.passages if (c.document, c.start, c.end) == (row.document, *row.gold)), None)
    if home:
        return part_of(home, dev_documents)
    key = row.document if row.document and dev_documents else row.question
    return DEV if part(key) == DEV else TRAIN
