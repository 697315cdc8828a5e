"""The corpus's own cross-encoder: the shipped one, trained on with mined questions, their passages, and what the serving retriever confuses these with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from finetune.data import Row, Stage, TrainingError, read_rows
from finetune.evidence import Pair
from finetune.reranker import fit, open_trainable, save_changes, write_json
from rag.chunking import Chunk
from rag.models import LocalModel, ModelSettings, choose_device, find_model
from rag.pipeline import open_retriever
from rag.reranker import IDENTITY, SHIPPED, apply_changes
from rag.retrieval import Retriever
from rag.scoring import normalize, overlaps
from rag.settings import Settings

NAME = "corpus-reranker"  # of the stage, and of its command
DEPTH = 20  # passages that come back for a question; its wrong ones are the first of them
WRONG = 4  # for each question
EPOCHS, LEARNING_RATE = 2, 3e-5
RANK = 64  # of the kept changes, the shipped ones among them


def pairs_of(rows: list[Row], retriever: Retriever) -> Iterator[Pair]:
    """-> each mined question with its passage, and with the first WRONG others that the serving retriever finds. One that holds the answer too, or shares
    text with the right one, is no wrong passage (false negatives)."""
    places = {(c.document, c.start, c.end): c for c in retriever.chunks}
    for row in rows:
        gold = places.get((row.document, *row.gold))
        if gold is None:  # the document has changed since it was mined
            continue
        yield Pair(row.question, gold.searched, 1, "relevance")
        near = [p.chunk for p in retriever.search(row.question, DEPTH)]
        wrong = [c for c in near if not _may_answer(c, gold, row.answer)]
        yield from (Pair(row.question, c.searched, 0, "relevance") for c in wrong[:WRONG])


def _may_answer(chunk: Chunk, gold: Chunk, answer: str) -> bool:
    same = chunk.document == gold.document and overlaps(chunk.start, chunk.end, gold.start, gold.end)
    return same or normalize(answer) in normalize(chunk.text)


def train_corpus_reranker(
    stage: Stage, mined: Stage, retriever: Retriever, model: LocalModel, device: str, start: Path | None = SHIPPED,
    epochs: float = EPOCHS, learning_rate: float = LEARNING_RATE,
) -> None:  # fmt: skip
    """Write weights/ in the shipped one's form, and the receipt. start: changes to train on from, None for the bare encoder. Raises TrainingError when the
    index holds none of the mined passages."""
    rows = read_rows(mined.folder / "train.jsonl")
    pairs = list(pairs_of(rows, retriever))
    if not any(pair.label for pair in pairs):
        raise TrainingError("the index holds none of the mined passages: python -m finetune mine")
    encoder = open_trainable(model, device)
    about = {"threshold": 0.5, "trained_on": [], "licence": "that of the corpus"}
    if start:
        apply_changes(encoder.model, start)
        about = json.loads((start / IDENTITY).read_text(encoding="utf-8"))
    seconds = fit(encoder, pairs, device, epochs, learning_rate, stage.folder / "trainer")
    out = stage.folder / "weights"
    save_changes(encoder.model, model, out, RANK)
    asked = sum(pair.label for pair in pairs)
    known = {key: about[key] for key in ("threshold", "licence")}
    write_json(out / IDENTITY, {**known, "base": model.digest, "base_name": model.name, "start": str(start), "trained_on": [*about["trained_on"], stage.run],
                                "questions": asked, "pairs": len(pairs), "epochs": epochs, "rank": RANK})  # fmt: skip
    stage.finish({"questions": asked, "pairs": len(pairs), "seconds": round(seconds, 1)})
    print(f"{NAME}: {asked} questions, {len(pairs)} pairs, {seconds:.0f} s, weights in {out}")


def has_base(settings: Settings) -> bool:
    """Whether the cross-encoder in use is the shipped one or one trained on from it; no other can be."""
    found = settings.section("model", ModelSettings).cross_encoder == "shipped"
    if not found:
        print(f"{NAME}: left out, since model.reranker or model.embedder names another than what ships")
    return found


def train_for_run(stage: Stage, settings: Settings, index: Path) -> None:
    """Train on the rows that the stage's run has mined from the index."""
    mined, models = Stage(stage.run, "mine"), settings.section("model", ModelSettings)
    mined.receipt()
    model = find_model(ModelSettings.embedder, models.hub)
    train_corpus_reranker(stage, mined, open_retriever(settings, index), model, choose_device(models.device)[0])
