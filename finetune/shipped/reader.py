"""The reader that ships: a small adapter from the question on that has learned to answer from passages, on people's questions about other texts. Training on
a corpus starts from it, and `ask` uses it until then."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import torch

from finetune.data.rows import TrainingRow
from finetune.generator.adapter_folder import base_identity, write_adapter
from finetune.generator.base_model import load_trainable
from finetune.generator.sft import sft_trainer
from finetune.generator.trainer_setup import train_adapter
from finetune.settings import SftSettings
from finetune.shipped.bench import held_out, index_bench
from rag.core.chunk import Chunk
from rag.core.jsonl import file_digest, read_lines, write_lines
from rag.core.run_folder import Stage
from rag.core.sections import PrefixSettings
from rag.core.settings import Settings
from rag.core.text_metrics import normalize
from rag.models.adapters import IDENTITY
from rag.models.device import choose_device
from rag.models.resolve import LocalModel
from rag.retrieval.retriever import Retriever

RUN = Stage("reader", "sft")
LEFT_OUT = 0.3  # share of answerable questions whose passage is taken out of the context; SQuAD 2.0 itself has a third that can't be answered
REACH = 10  # passages looked at for a question
DEVELOPMENT = 160  # rows that training looks at meanwhile


def train_reader(
    settings: Settings,
    model: LocalModel,
    device: str,
    benches: list[Path],
    out: Path,
    sft: SftSettings,
    prefix: PrefixSettings,
) -> None:
    """Train on the questions of the benches, anew or on from the reader that ships (sft.start), and save to `out` with its identity. What is mined of them
    stays in var/runs/reader."""
    train, dev = reader_training_rows(settings, benches)
    base = load_trainable(model, *choose_device(device), prefix)
    trainer = sft_trainer(RUN.folder, base, train, dev, sft)
    train_adapter(trainer, "reader", False)
    trainer.model.to(torch.bfloat16)
    write_adapter(trainer, out, at_question=True)
    (out / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    looks = [
        {key: round(entry[key], 4) for key in ("eval_loss", "eval_f1")}
        for entry in trainer.state.log_history
        if "eval_f1" in entry
    ]
    learned = {
        "benches": [bench.name for bench in benches],
        "rows": dict(Counter(row.kind for row in train)),
        "development": looks,
    }
    (out / IDENTITY).write_text(json.dumps({**base_identity(base, sft.method, True), **learned}, indent=2) + "\n")
    print(f"reader: {len(train)} rows, development {looks}, saved in {out}")


def reader_training_rows(settings: Settings, benches: list[Path]) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """-> rows to train on and for development, by document. Contexts are what the serving retriever gives over the bench's own documents."""
    train, dev = [], []
    for bench in benches:
        rows = reader_rows(index_bench(settings, bench, RUN.folder.parent), bench / "questions.jsonl")
        train += [row for row in rows if not held_out(row.document)]
        dev += [row for row in rows if held_out(row.document)]
    dev = random.Random(0).sample(dev, min(len(dev), DEVELOPMENT))
    for name, rows in (("train", train), ("dev", dev)):
        write_lines(RUN.folder.parent / f"{name}.jsonl", rows)
    print(
        f"rows: {dict(Counter(row.kind for row in train))}, for development {len(dev)}; {file_digest(RUN.folder.parent / 'train.jsonl')}",
        flush=True,
    )
    return train, dev


def reader_rows(retriever: Retriever, questions: Path) -> list[TrainingRow]:
    """-> a row of each question that mining's own labelling keeps. Questions on one chunk share what was retrieved for the first of them, so that few passages
    are read for many questions."""
    rng, rows, contexts = random.Random(0), [], _Contexts(retriever)
    for asked in read_lines(questions):
        leave_out, question = rng.random() < LEFT_OUT, asked["question"].strip()
        if not asked["answers"]:
            context = contexts.around(question, None, False)
            rows.append(TrainingRow(asked["id"], question, "", "unanswerable", asked["document"], (0, 0), context, 0))
            continue
        home = next(
            (c for c in retriever.chunks if c.document == asked["document"] and c.start <= asked["start"] < c.end), None
        )
        context = contexts.around(question, home, leave_out) if home else ()
        if (
            not home
            or home not in context
            and any(normalize(asked["answers"][0]) in normalize(c.text) for c in context)
        ):
            continue
        cited = context.index(home) + 1 if home in context else 0
        kind = "answerable" if cited else "left out" if leave_out else "not retrieved"
        rows.append(
            TrainingRow(
                asked["id"],
                question,
                asked["answers"][0],
                kind,
                asked["document"],
                (home.start, home.end),
                context,
                cited,
            )
        )
    return rows


class _Contexts:
    """What the retriever gave for the first question on a chunk."""

    def __init__(self, retriever: Retriever):
        self._retriever = retriever
        self._kept: dict[tuple[str, int], list[Chunk]] = {}

    def around(self, question: str, home: Chunk | None, leave_out: bool) -> tuple[Chunk, ...]:
        """-> passages for a question on the chunk `home`, without it if it is to be left out; for a question on none, of the chunk nearest to it."""
        found = None if home else [p.chunk for p in self._retriever.search(question, REACH)]
        home = home or found[0]
        key, width = (home.document, home.start), self._retriever.settings.passages
        if key not in self._kept:
            self._kept[key] = found or [p.chunk for p in self._retriever.search(question, REACH)]
        return tuple([c for c in self._kept[key] if not (leave_out and c == home)][:width])
