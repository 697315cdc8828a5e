"""The reader that ships: a small adapter from the question on that has learned to answer from passages, on people's questions about other texts. Training on
a corpus starts from it, and `ask` uses it until then."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch

from finetune.data import Row, Stage, TrainingError, digest, read_lines, write_lines
from finetune.mine import label
from finetune.questions import Candidate
from finetune.running import identity_of, run_trainer, write_adapter
from finetune.sft import SftSettings, sft_trainer
from finetune.trainable import load_trainable
from rag.adapters import IDENTITY
from rag.indexing import Rules, sync
from rag.models import LocalModel, choose_device
from rag.pipeline import open_retriever, open_store
from rag.prefix import PrefixSettings
from rag.retrieval import Retriever
from rag.settings import Settings

RUN = Stage("reader", "sft")
LEFT_OUT = 0.3  # share of answerable questions whose passage is taken out of the context; SQuAD 2.0 itself has a third that can't be answered
REACH, HELD_OUT = 10, 12  # every twelfth document is for development


def train_reader(settings: Settings, model: LocalModel, device: str, benches: list[Path], out: Path, sft: SftSettings, prefix: PrefixSettings) -> None:
    """Train on the questions of the benches and save to `out` with its identity. What is mined of them stays in var/runs/reader."""
    train, dev = read_rows(settings, benches)
    base = load_trainable(model, *choose_device(device), prefix)
    trainer = sft_trainer(RUN.folder, base, train, dev, replace(sft, start=""))
    run_trainer(trainer, RUN.folder, False)
    trainer.model.to(torch.bfloat16)
    write_adapter(trainer, out, at_question=True)
    (out / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    looks = [{key: round(entry[key], 4) for key in ("eval_loss", "eval_f1")} for entry in trainer.state.log_history if "eval_f1" in entry]
    learned = {"benches": [bench.name for bench in benches], "rows": dict(Counter(row.kind for row in train)), "development": looks}
    (out / IDENTITY).write_text(json.dumps({**identity_of(base, sft.method, True), **learned}, indent=2) + "\n")
    print(f"reader: {len(train)} rows, development {looks}, saved in {out}")


def read_rows(settings: Settings, benches: list[Path]) -> tuple[list[Row], list[Row]]:
    """-> rows to train on and for development, by document. Contexts are what the serving retriever gives over the bench's own documents."""
    train, dev = [], []
    for bench in benches:
        rows = rows_of(index_bench(settings, bench, RUN.folder.parent), bench / "questions.jsonl")
        held = set(sorted({row.document for row in rows})[::HELD_OUT])
        train += [row for row in rows if row.document not in held]
        dev += [row for row in rows if row.document in held]
    for name, rows in (("train", train), ("dev", dev)):
        write_lines(RUN.folder.parent / f"{name}.jsonl", rows)
    print(f"rows: {dict(Counter(row.kind for row in train))}, for development {len(dev)}; {digest(RUN.folder.parent / 'train.jsonl')}", flush=True)
    return train, dev


def index_bench(settings: Settings, bench: Path, folder: Path) -> Retriever:
    """-> the serving retriever over the bench's documents, indexed anew in `folder`. Raises TrainingError when it is no bench."""
    if not (bench / "questions.jsonl").exists():
        raise TrainingError(f"{bench} is no bench: documents/ and questions.jsonl are expected")
    place = folder / bench.name
    shutil.rmtree(place, ignore_errors=True)
    store, embedder = open_store(settings, place)
    sync(store, embedder, bench / "documents", Rules.of(settings))
    store.close()
    return open_retriever(settings, place)


def rows_of(retriever: Retriever, questions: Path) -> list[Row]:
    """-> a row of each question that mining's own labelling keeps."""
    rng, rows = random.Random(0), []
    for asked in read_lines(questions):
        leave_out = rng.random() < LEFT_OUT
        if not asked["answers"]:
            context = tuple(p.chunk for p in retriever.search(asked["question"]))
            rows.append(Row(asked["id"], asked["question"], "", "unanswerable", asked["document"], (0, 0), context, 0))
            continue
        home = next((c for c in retriever.chunks if c.document == asked["document"] and c.start <= asked["start"] < c.end), None)
        if home:
            spot = Candidate(0, "", "", asked["answers"][0], "human")
            row, _ = label(asked["question"].strip(), spot, home, retriever, leave_out, REACH)
            rows += [replace(row, id=asked["id"])] if row else []
    return rows
