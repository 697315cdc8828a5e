"""Mine triplets from the index: spans of chunks, a question for each, its context from the serving retriever, and the label that context earns."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from tqdm import tqdm

from finetune.data import Row, Stage, TrainingError, digest, write_lines
from finetune.questions import Candidate, candidate, reject
from finetune.spans import find_spans
from finetune.split import DEV, TRAIN, UNMINED, part
from finetune.teacher import Teacher, written
from rag.chunking import Chunk
from rag.generator import Generator
from rag.grounding import sentences
from rag.prompt import fingerprint
from rag.retrieval import Retriever
from rag.scoring import normalize


@dataclass(frozen=True)
class MineSettings:
    """candidates: spans to write questions for. left_out: share of kept questions whose own passage is taken out of the context, so that
    the right answer is the refusal. reach: a question must find its passage among this many. seed: of the choice of spans. teacher: base URL of an
    OpenAI-compatible endpoint that writes the questions, "" for the writer that ships."""

    candidates: int = 480
    left_out: float = 0.12
    reach: int = 10
    batch: int = 16
    seed: int = 0
    teacher: str = ""


def mine(stage: Stage, retriever: Retriever, writer: Generator | Teacher, base: str, settings: MineSettings) -> None:
    """Write train.jsonl, dev.jsonl, rejects.jsonl and the receipt. Raises TrainingError when the corpus gives too little."""
    candidates = choose_candidates(retriever.chunks, settings)
    if not candidates:
        raise TrainingError("the index has no document to mine: make index")
    sieve = _Sieve(retriever, settings)
    with tqdm(total=len(candidates), desc="mining", unit=" questions") as bar:
        for at in range(0, len(candidates), settings.batch):
            batch = candidates[at : at + settings.batch]
            for spot, question in written(writer, batch, retriever.chunks, bar):
                sieve.judge(question, spot)
            bar.update(len(batch))
    train, dev = sieve.rows[TRAIN], sieve.rows[DEV]
    if len(train) < 4 or not dev:
        raise TrainingError(f"only {len(train)} rows to train on and {len(dev)} for development: index more documents")
    for name, rows in sieve.rows.items():
        write_lines(stage.folder / f"{name}.jsonl", rows)
    write_lines(stage.folder / "rejects.jsonl", sieve.rejects)
    stage.finish({**_receipt(stage, sieve, retriever.chunks), "writer": writer.name, "base": base, "prompt": fingerprint(writer.tokenizer)})


class _Sieve:
    """Puts each question among the rows of its part or among the rejects, with the reason."""

    def __init__(self, retriever: Retriever, settings: MineSettings):
        self.rows: dict[str, list[Row]] = {TRAIN: [], DEV: []}
        self.rejects: list[dict] = []
        self._retriever, self._settings = retriever, settings
        self._seen: set[str] = set()
        self._rng = random.Random(settings.seed)
        self._dev_documents = any(part(chunk.document) == DEV for chunk in retriever.chunks)

    def judge(self, question: str, spot: Candidate) -> None:
        chunk = self._retriever.chunks[spot.chunk]
        leave_out = self._rng.random() < self._settings.left_out
        row, reason = None, reject(question, spot, self._seen)
        if not reason:
            row, reason = label(question, spot, chunk, self._retriever, leave_out, self._settings.reach)
        if row is None:
            self.rejects.append({"question": question, "answer": spot.span, "text": spot.text, "document": chunk.document, "reason": reason})
            return
        self._seen.add(normalize(question))
        self.rows[part_of(chunk, self._dev_documents)].append(row)


def choose_candidates(chunks: list[Chunk], settings: MineSettings) -> list[Candidate]:
    """-> spans to ask for, dealt evenly over documents: a round takes one span from each, until there are enough.

    When no document falls to development, one chunk in ten of the mined ones does (see `part_of`)."""
    rng = random.Random(settings.seed)
    waiting: dict[str, list[Candidate]] = {}
    for position, chunk in enumerate(chunks):
        if part(chunk.document) != UNMINED:
            waiting.setdefault(chunk.document, []).extend(_candidates_of(position, chunk, rng))
    for spans in waiting.values():
        rng.shuffle(spans)
    chosen: list[Candidate] = []
    while waiting and len(chosen) < settings.candidates:
        for document in sorted(waiting):
            chosen.append(waiting[document].pop()) if waiting[document] else waiting.pop(document)
    return chosen[: settings.candidates]


def _candidates_of(position: int, chunk: Chunk, rng: random.Random) -> list[Candidate]:
    """One span of each sentence."""
    found = []
    for first, last in sentences(chunk.text):
        spans = find_spans(chunk.text[first:last])
        if spans and 5 <= len(chunk.text[first:last].split()) <= 60:
            kind, start, span = rng.choice(spans)
            found.append(candidate(position, chunk, (first, last), first + start, span, kind))
    return found


def part_of(chunk: Chunk, dev_documents: bool) -> str:
    """-> the part that questions on this chunk belong to; in a corpus too small to have development documents, some chunks stand in."""
    if dev_documents:
        return part(chunk.document)
    return DEV if part(f"{chunk.document}:{chunk.start}") == DEV else TRAIN


def label(question: str, spot: Candidate, chunk: Chunk, retriever: Retriever, leave_out: bool, reach: int) -> tuple[Row | None, str | None]:
    """-> the row, or None and the reason. The context is what the serving retriever returns, with its mistakes: where the chunk is not in it
    the label is the refusal (unlike RAFT's script, arXiv 2403.10131, which keeps the answer), unless a passage shown holds the answer too."""
    shown, width = [p.chunk for p in retriever.search(question, reach)], retriever.settings.passages
    if chunk not in shown:
        return None, f"does not find its passage among {reach}"
    if leave_out:
        shown.remove(chunk)
    context = shown[:width]
    id, gold = f"{chunk.document}:{chunk.start}:{question}", (chunk.start, chunk.end)
    if chunk in context:
        return Row(id, question, spot.span, "answerable", chunk.document, gold, tuple(context), context.index(chunk) + 1), None
    if any(normalize(spot.span) in normalize(c.text) for c in context):
        return None, "answered by another passage as well"
    kind = "left out" if leave_out else "not retrieved"
    return Row(id, question, spot.span, kind, chunk.document, gold, tuple(context), 0), None


def _receipt(stage: Stage, sieve: _Sieve, chunks: list[Chunk]) -> dict:
    documents = sorted({chunk.document for chunk in chunks})
    return {
        "kept": {name: dict(Counter(row.kind for row in rows)) for name, rows in sieve.rows.items()},
        "rejected": dict(Counter(item["reason"] for item in sieve.rejects).most_common()),
        "documents": {name: [d for d in documents if part(d) == name] for name in (TRAIN, DEV, UNMINED)},
        "data": digest(stage.folder / f"{TRAIN}.jsonl"),
    }
