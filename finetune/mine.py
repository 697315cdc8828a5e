"""Mine triplets from the index: spans of chunks, a question for each, its context from the serving retriever, and the label that context earns."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from tqdm import tqdm

from finetune.data import Row, Stage, TrainingError, digest, write_lines
from finetune.questions import Candidate, reject, write_questions
from finetune.spans import find_spans
from finetune.split import DEV, TRAIN, UNMINED, part
from rag.chunking import Chunk
from rag.generator import Generator
from rag.grounding import sentences
from rag.prompt import fingerprint
from rag.retrieval import Retriever
from rag.scoring import normalize


@dataclass(frozen=True)
class MineSettings:
    """candidates: spans to write questions for. left_out: share of kept questions whose own passage is taken out of the context, so that
    the right answer is the refusal. reach: a question must find its passage among this many. seed: of the choice of spans."""

    candidates: int = 480
    left_out: float = 0.3
    reach: int = 20
    batch: int = 16
    seed: int = 0


@dataclass
class Mined:
    """Rows by part, and every reject with its reason."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {TRAIN: [], DEV: []})
    rejects: list[dict] = field(default_factory=list)


def mine(stage: Stage, retriever: Retriever, generator: Generator, base: str, settings: MineSettings) -> None:
    """Write train.jsonl, dev.jsonl, rejects.jsonl and the receipt. Raises TrainingError when the corpus gives too little."""
    chunks = retriever.chunks
    candidates = choose_candidates(chunks, settings)
    if not candidates:
        raise TrainingError("the index has no document to mine: make index")
    mined, seen, rng = Mined(), set[str](), random.Random(settings.seed)
    with tqdm(total=len(candidates), desc="mining", unit=" questions") as bar:
        for at in range(0, len(candidates), settings.batch):
            batch = candidates[at : at + settings.batch]
            for candidate, question in zip(batch, write_questions(generator, batch), strict=True):
                _judge(question, candidate, chunks, retriever, mined, seen, rng, settings)
            bar.update(len(batch))
    if len(mined.rows[TRAIN]) < 4 or not mined.rows[DEV]:
        raise TrainingError(f"only {len(mined.rows[TRAIN])} rows to train on and {len(mined.rows[DEV])} for development: index more documents")
    for name, rows in mined.rows.items():
        write_lines(stage.folder / f"{name}.jsonl", rows)
    write_lines(stage.folder / "rejects.jsonl", mined.rejects)
    stage.finish(_receipt(stage, mined, len(candidates), chunks, base, fingerprint(generator.tokenizer)))


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
    headings, found = " > ".join(chunk.headings or (chunk.title,)), []
    for start, end in sentences(chunk.text):
        sentence = chunk.text[start:end]
        spans = find_spans(sentence)
        if spans and 5 <= len(sentence.split()) <= 60:
            kind, span = rng.choice(spans)
            found.append(Candidate(position, headings, sentence, span, kind))
    return found


def part_of(chunk: Chunk, dev_documents: bool) -> str:
    """-> the part that questions on this chunk belong to; in a corpus too small to have development documents, some chunks stand in."""
    if dev_documents:
        return part(chunk.document)
    return DEV if part(f"{chunk.document}:{chunk.start}") == DEV else TRAIN


def _judge(question, candidate, chunks, retriever, mined, seen, rng, settings) -> None:
    """Put the question among the rows or the rejects."""
    chunk = chunks[candidate.chunk]
    reason = reject(question, candidate, seen)
    row: Row | None = None
    if not reason:
        row, reason = label(question, candidate, chunk, retriever, rng.random() < settings.left_out, settings.reach)
    if row is None:
        mined.rejects.append({"question": question, "answer": candidate.span, "sentence": candidate.sentence, "document": chunk.document, "reason": reason})
        return
    seen.add(normalize(question))
    dev_documents = any(part(c.document) == DEV for c in chunks)
    mined.rows[part_of(chunk, dev_documents)].append(row)


def label(question: str, candidate: Candidate, chunk: Chunk, retriever: Retriever, leave_out: bool, reach: int) -> tuple[Row | None, str | None]:
    """-> the row, or None and the reason. The context is what the serving retriever returns, with its mistakes: where the chunk is not in it
    the label is the refusal (unlike RAFT's script, arXiv 2403.10131, which keeps the answer), unless a passage shown holds the answer too."""
    shown, width = [p.chunk for p in retriever.search(question, reach)], retriever.settings.passages
    if chunk not in shown:
        return None, f"does not find its passage among {reach}"
    if leave_out:
        shown.remove(chunk)
    context = shown[:width]
    id, gold = f"{chunk.document}:{chunk.start}:{candidate.span}", (chunk.start, chunk.end)
    if chunk in context:
        return Row(id, question, candidate.span, "answerable", chunk.document, gold, tuple(context), context.index(chunk) + 1), None
    if any(normalize(candidate.span) in normalize(c.text) for c in context):
        return None, "answered by another passage as well"
    kind = "left out" if leave_out else "not retrieved"
    return Row(id, question, candidate.span, kind, chunk.document, gold, tuple(context), 0), None


def _receipt(stage: Stage, mined: Mined, candidates: int, chunks: list[Chunk], base: str, prompt: str) -> dict:
    documents = sorted({chunk.document for chunk in chunks})
    return {
        "candidates": candidates,
        "kept": {name: dict(Counter(row.kind for row in rows)) for name, rows in mined.rows.items()},
        "rejected": dict(Counter(item["reason"] for item in mined.rejects).most_common()),
        "documents": {name: [d for d in documents if part(d) == name] for name in (TRAIN, DEV, UNMINED)},
        "base": base,
        "prompt": prompt,
        "data": digest(stage.folder / f"{TRAIN}.jsonl"),
    }
