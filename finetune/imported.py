"""People's questions become rows: the passages are what the serving retriever gives, the label is the answer as it stands in one of them, or the refusal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from finetune.data import RUNS, Row, Stage, TrainingError, digest, read_lines, write_lines
from finetune.mine import MineSettings, label, part_of
from finetune.questions import candidate
from finetune.sources import Item, Refused, read_items
from finetune.split import DEV, TRAIN, UNMINED, part
from rag.chunking import Chunk
from rag.retrieval import Retriever
from rag.scoring import normalize

FOLDER = "import"  # of a run; a stage for each file in it
GIVEN = "given.jsonl"  # what was read from the file, so that rows can be made again when the index has changed


def import_file(path: Path, run: str, retriever: Retriever) -> Stage:
    """-> the stage with the file's rows; what a file of the same name gave before is replaced. Raises TrainingError when it gives no row."""
    entries = read_items(path)
    stage = Stage(run, f"{FOLDER}/{path.name}")
    stage.clear()
    write_lines(stage.folder / GIVEN, [{"line": line, **asdict(entry)} for line, entry in entries])
    receipt = label_given(stage, retriever)
    if not any(receipt["kept"].values()):
        reasons = ", ".join(f"{count} {reason}" for reason, count in receipt["rejected"].items())
        raise TrainingError(f"{path} gives no row ({reasons or 'it is empty'}); {stage.folder / 'rejects.jsonl'} says why of each")
    return stage


def imports(run: str) -> list[Stage]:
    """-> the imported files of a run, by name."""
    return [Stage(run, f"{FOLDER}/{given.parent.name}") for given in sorted((RUNS / run / FOLDER).glob(f"*/{GIVEN}"))]


def label_given(stage: Stage, retriever: Retriever) -> dict:
    """Write train.jsonl, dev.jsonl, rejects.jsonl and the receipt of what the stage was given, on the index as it is now; -> the receipt."""
    rows: dict[str, list[Row]] = {TRAIN: [], DEV: []}
    rejects, seen = [], set()
    development = any(part(chunk.document) == DEV for chunk in retriever.chunks)
    documents = {chunk.document for chunk in retriever.chunks}
    for line, entry in _given(stage):
        row, reason = (None, entry.reason) if isinstance(entry, Refused) else _row(entry, retriever, documents, seen)
        if row is None:
            rejects.append({**asdict(entry), "line": line, "reason": reason})
            continue
        seen.add(normalize(row.question))
        rows[_part_of(row, development)].append(row)
    for name, kept in rows.items():
        write_lines(stage.folder / f"{name}.jsonl", kept)
    write_lines(stage.folder / "rejects.jsonl", rejects)
    kept = {name: dict(Counter(row.kind for row in found)) for name, found in rows.items()}
    rejected = dict(Counter(item["reason"] for item in rejects).most_common())
    receipt = {"kept": kept, "rejected": rejected, "given": digest(stage.folder / GIVEN), "data": digest(stage.folder / f"{TRAIN}.jsonl")}
    stage.finish(receipt)
    return receipt


def _given(stage: Stage) -> list[tuple[int, Item | Refused]]:
    found: list[tuple[int, Item | Refused]] = []
    for entry in read_lines(stage.folder / GIVEN):
        line = entry.pop("line")
        found.append((line, Refused(line, **entry) if "reason" in entry else Item(**{**entry, "answers": tuple(entry["answers"])})))
    return found


def _row(item: Item, retriever: Retriever, documents: set[str], seen: set[str]) -> tuple[Row | None, str | None]:
    if normalize(item.question) in seen:
        return None, "asked before in this file"
    if item.document and item.document not in documents:
        return None, "its document is not in the index"
    return to_row(item, retriever)


def _part_of(row: Row, development: bool) -> str:
    """As mined questions on the same chunk; a question on no document is dealt by its words."""
    if not row.document:
        return DEV if part(row.question) == DEV else TRAIN
    return part_of(Chunk(row.document, "", *row.gold, "", (), None), development)


def to_row(item: Item, retriever: Retriever) -> tuple[Row | None, str | None]:
    """-> the row, or None and the reason. The answer becomes the characters of the passage that has it; where no passage shown has it, but one further down,
    the label is the refusal, as in mining."""
    row, reason = _labelled(item, retriever)
    if row and row.document and part(row.document) == UNMINED:
        return None, "its document is kept for measuring"
    return row, reason


def _labelled(item: Item, retriever: Retriever) -> tuple[Row | None, str | None]:
    reach = MineSettings.reach
    found = [p.chunk for p in retriever.search(item.question, reach)]
    if not item.answers:
        context = tuple(found[: retriever.settings.passages])
        return Row(f"{item.document}::{item.question}", item.question, "", "unanswerable", item.document, (0, 0), context, 0), None
    for chunk in found:
        for answer in item.answers:
            place = literal(answer, chunk.text) if item.document in ("", chunk.document) else None
            if place:
                span = chunk.text[place[0] : place[1]]
                spot = replace(candidate(0, chunk, (0, len(chunk.text)), place[0], span, "given"), span=" ".join(span.split()))
                return label(item.question, spot, chunk, retriever, False, reach)
    return None, f"its answer stands literally in none of the first {reach} passages" + (" of its document" if item.document else "")


def literal(answer: str, text: str) -> tuple[int, int] | None:
    """-> where an answer stands in a text, as whole words, whatever its case and white space; None where it does not."""
    words = re.escape(" ".join(answer.split()).rstrip(".")).replace("\\ ", r"\s+")
    match = re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) if words else None
    return match.span() if match else None
