"""Mine triplets from the index: spans of chunks, a question for each, its context from the serving retriever, and the label that context earns."""

from __future__ import annotations

import random
import time
from collections import Counter

from tqdm import tqdm

from finetune.data.split import DEV, GATE, HELD_OUT, TRAIN, UNMINED, document_part
from finetune.mining.candidates import choose_candidates
from finetune.mining.question_prompt import Candidate
from finetune.mining.round_trip import RoundTrip
from finetune.mining.row_builder import RowBuilder
from finetune.mining.teacher import Teacher, written
from finetune.settings import MineSettings
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import file_digest, write_lines
from rag.core.run_folder import Stage
from rag.generation.generator import Generator
from rag.generation.prompt import fingerprint
from rag.retrieval.retriever import Retriever

LOOK_AT = 20  # rows that are printed




def mine(
    stage: Stage,
    retriever: Retriever,
    writer: Generator | Teacher,
    round_trip: RoundTrip | None,
    base: str,
    settings: MineSettings,
) -> None:
    """Write train.jsonl, dev.jsonl, gate.jsonl, rejects.jsonl and the receipt. Raises TrainingError when the corpus gives too little."""
    candidates = choose_candidates(retriever.chunks, settings.candidates, settings.seed)
    if not candidates:
        raise TrainingError("the index has no document to mine: make index")
    start = time.perf_counter()
    sieve = RowBuilder(retriever, round_trip, settings)
    with tqdm(total=len(candidates), desc="mining", unit=" spans") as bar:
        tried = set() if isinstance(writer, Teacher) else sentences_first(candidates, settings)
        left = [spot for spot in candidates if spot not in tried or not _asked_in_place(spot, sieve, bar)]
        for at in range(0, len(left), settings.batch):
            batch = left[at : at + settings.batch]
            for spot, questions in written(writer, batch, retriever.chunks, bar):
                if not sieve.judge(questions, spot) and spot not in tried:
                    sieve.judge_in_place(spot)
            bar.update(len(batch))
    rejected = Counter(item["reason"] for item in sieve.rejects)
    joined, twists = sieve.join(), sieve.fill_up()
    print(
        f"{60 * sum(map(len, sieve.rows.values())) / (time.perf_counter() - start):.0f} rows a minute; {show(sieve, settings.seed)}"
    )
    _write(stage, sieve)
    thrown = {
        "rejected": dict(rejected.most_common()),
        "joined rejected": dict(joined.most_common()),
        "twists rejected": dict(twists.most_common()),
    }
    made = {**thrown, "spans": len(candidates), "writer": writer.name, "base": base}
    stage.finish({**_receipt(stage, sieve, retriever.chunks), **made, "prompt": fingerprint(writer.tokenizer)})


def sentences_first(spots: list[Candidate], settings: MineSettings) -> set[Candidate]:
    """-> those whose sentence is asked before the small writer: of its questions far fewer are good, but it asks as people do (measured: eval/LOG.md)."""
    rng = random.Random(settings.seed + 1)  # not the sieve's numbers
    return {spot for spot in spots if rng.random() >= settings.written}


def _asked_in_place(spot: Candidate, sieve: RowBuilder, bar: tqdm) -> bool:
    kept = sieve.judge_in_place(spot)
    bar.update(kept)
    return kept


def _write(stage: Stage, sieve: RowBuilder) -> None:
    train, dev, gate = (len(sieve.rows[part]) for part in (TRAIN, DEV, GATE))
    if train < 4 or not dev or not gate:
        raise TrainingError(
            f"only {train} rows to train on, {dev} to choose by and {gate} for promotion: index more documents"
        )
    for name, rows in sieve.rows.items():
        write_lines(stage.folder / f"{name}.jsonl", rows)
    write_lines(stage.folder / "rejects.jsonl", sieve.rejects)


def show(sieve: RowBuilder, seed: int) -> str:
    """-> some rows and rejects, drawn at random, for people to judge."""
    rng, kept = random.Random(seed), [row for rows in sieve.rows.values() for row in rows]
    lines = [
        f"  {row.question} -> {row.answer if row.cited else f'refusal ({row.kind})'}"
        for row in rng.sample(kept, min(LOOK_AT, len(kept)))
    ]
    thrown = rng.sample(sieve.rejects, min(LOOK_AT // 4, len(sieve.rejects)))
    return "\n".join(
        [
            "some of them:",
            *lines,
            "and of the rejects:",
            *(f"  {r['question']} -> {r['answer']}: {r['reason']}" for r in thrown),
        ]
    )


def _receipt(stage: Stage, sieve: RowBuilder, chunks: list[Chunk]) -> dict:
    documents = sorted({chunk.document for chunk in chunks})
    parts = {TRAIN: TRAIN, DEV: HELD_OUT, UNMINED: UNMINED}  # documents with gate rows are listed with those of dev rows
    return {
        "kept": {name: dict(Counter(row.kind for row in rows)) for name, rows in sieve.rows.items()},
        "voices": dict(sieve.voices),
        "in place": sieve.in_place,
        "documents": {name: [d for d in documents if document_part(d) == part] for name, part in parts.items()},
        "held_out": sieve.split.held_out,
        "data": file_digest(stage.folder / f"{TRAIN}.jsonl"),
    }
