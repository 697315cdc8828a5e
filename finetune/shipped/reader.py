"""Training of the reader that ships: an adapter that has learned to answer from passages, on people's questions.

`ask` uses it until there is an adapter for the corpus, and training on a corpus starts from it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from finetune.data.rows import ANSWERABLE, LEFT_OUT, NOT_RETRIEVED, UNANSWERABLE, TrainingRow
from finetune.generator.adapter_folder import base_identity, write_adapter, write_identity
from finetune.generator.base_model import load_trainable
from finetune.generator.sft import sft_trainer
from finetune.generator.trainer_setup import train_adapter
from finetune.settings import SftSettings
from finetune.shipped.bench import index_bench
from rag.core.chunk import Chunk
from rag.core.jsonl import file_digest, read_lines, write_lines
from rag.core.run_folder import Stage
from rag.core.sections import PrefixSettings
from rag.core.settings import Settings
from rag.core.text_metrics import normalize
from rag.labels.held_out import held_out
from rag.models.device import choose_device
from rag.models.resolve import LocalModel
from rag.retrieval.retriever import Retriever

STAGE = Stage("reader", "sft")
# Share of answerable questions whose passage is taken out of the context; of SQuAD 2.0 itself a third has no answer.
LEFT_OUT_SHARE = 0.3
REACH = 10  # passages retrieved for a question
DEVELOPMENT = 160  # rows that training is watched on


def train_reader(
    settings: Settings,
    model: LocalModel,
    device: str,
    benches: Sequence[Path],
    out: Path,
    sft: SftSettings,
    prefix: PrefixSettings,
) -> None:
    """Train on the questions of the benches and write the adapter to `out` with its identity.

    sft.start: "reader" to go on from the shipped one, "" to start anew. Rows and checkpoints are in var/runs/reader.
    """
    train, dev = reader_training_rows(settings, benches)
    base = load_trainable(model, *choose_device(device), prefix)
    trainer = sft_trainer(STAGE.folder, base, train, dev, sft)
    train_adapter(trainer, "reader", False)
    trainer.model.to(torch.bfloat16)
    write_adapter(trainer, out, at_question=True)
    evaluations = [
        {key: round(entry[key], 4) for key in ("eval_loss", "eval_f1")}
        for entry in trainer.state.log_history
        if "eval_f1" in entry
    ]
    origin = {
        "benches": [bench.name for bench in benches],
        "rows": dict(Counter(row.kind for row in train)),
        "development": evaluations,
    }
    write_identity(out, {**base_identity(base, sft.method, True), **origin})
    print(f"reader: {len(train)} rows, development {evaluations}, saved in {out}")


def reader_training_rows(settings: Settings, benches: Sequence[Path]) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Return the rows to train on, and those of held-out documents, and write both to var/runs/reader.

    Contexts are what the serving retriever finds among the bench's own documents.
    """
    folder = STAGE.folder.parent
    train: list[TrainingRow] = []
    measured: list[TrainingRow] = []
    for bench in benches:
        rows = reader_rows(index_bench(settings, bench, folder), bench / "questions.jsonl")
        train += [row for row in rows if not held_out(row.document)]
        measured += [row for row in rows if held_out(row.document)]
    dev = random.Random(0).sample(measured, min(len(measured), DEVELOPMENT))
    write_lines(folder / "train.jsonl", train)
    write_lines(folder / "dev.jsonl", dev)
    kinds, digest = dict(Counter(row.kind for row in train)), file_digest(folder / "train.jsonl")
    print(f"rows: {kinds}, for development {len(dev)}; {digest}", flush=True)
    return train, dev


def reader_rows(retriever: Retriever, questions: Path) -> list[TrainingRow]:
    """Return a row of each question whose label its context decides.

    Questions about one chunk share what was retrieved for the first of them, so that few passages are encoded for many
    questions.
    """
    rng, contexts = random.Random(0), _Contexts(retriever)
    rows = []
    for asked in read_lines(questions):
        leave_out = rng.random() < LEFT_OUT_SHARE
        row = _answerable_row(asked, contexts, leave_out) if asked["answers"] else _unanswerable_row(asked, contexts)
        rows += [row] if row else []
    return rows


def _unanswerable_row(asked: dict, contexts: _Contexts) -> TrainingRow:
    question = asked["question"].strip()
    passages = contexts.find(question, None, False)
    return TrainingRow(asked["id"], question, "", UNANSWERABLE, asked["document"], (0, 0), passages, 0)


def _answerable_row(asked: dict, contexts: _Contexts, leave_out: bool) -> TrainingRow | None:
    """Return the row of an answerable question.

    None where its chunk is not indexed, or where the context lacks its chunk and has the answer elsewhere.
    """
    question, answer = asked["question"].strip(), asked["answers"][0]
    gold = contexts.chunk_at(asked["document"], asked["start"])
    if not gold:
        return None
    passages = contexts.find(question, gold, leave_out)
    if gold not in passages and any(normalize(answer) in normalize(c.text) for c in passages):
        return None
    cited = passages.index(gold) + 1 if gold in passages else 0
    kind = ANSWERABLE if cited else LEFT_OUT if leave_out else NOT_RETRIEVED
    span = (gold.start, gold.end)
    return TrainingRow(asked["id"], question, answer, kind, asked["document"], span, passages, cited)


class _Contexts:
    """What the retriever gave for the first question about a chunk."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self._retrieved: dict[tuple[str, int], list[Chunk]] = {}

    def chunk_at(self, document: str, start: int) -> Chunk | None:
        """Return the chunk that holds a character of a document."""
        chunks = self._retriever.chunks
        return next((c for c in chunks if c.document == document and c.start <= start < c.end), None)

    def find(self, question: str, gold: Chunk | None, leave_out: bool) -> tuple[Chunk, ...]:
        """Return the passages to show for a question about the chunk `gold`, without it if it is to be left out.

        gold: None for the chunk that is retrieved first.
        """
        found = None if gold else self._search(question)
        about = gold or (found or [])[0]
        key, width = (about.document, about.start), self._retriever.settings.passages
        if key not in self._retrieved:
            self._retrieved[key] = found or self._search(question)
        return tuple([c for c in self._retrieved[key] if not (leave_out and c == about)][:width])

    def _search(self, question: str) -> list[Chunk]:
        return [passage.chunk for passage in self._retriever.search(question, REACH)]
