"""The corpus's own embedder: how it reads questions is trained, on mined ones; passages keep the vectors that they have.

Both sides could be trained, but then every passage would have to be read again at each promotion and rollback, and new documents with them. With the passages'
vectors fixed a step reads the questions alone, and each is told from a whole corpus and not only from its batch. On gold both sides were better in a trial
(eval/LOG.md), so this is not the last word."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments

from finetune.confusions import Confusion, confusions, mistakes_of, place
from finetune.data import Stage
from finetune.reranker import write_json
from finetune.taught import TRAIN, taught
from rag.changes import IDENTITY, save_changes
from rag.chunking import Chunk
from rag.embedder import Embedder
from rag.encoders import is_plain
from rag.models import LocalModel, ModelSettings, choose_device, computes_bfloat16, find_model
from rag.pipeline import open_embedder, open_retriever, shipped_reranker
from rag.settings import Settings

NAME = "corpus-embedder"  # of the stage, and of its command
EPOCHS, LEARNING_RATE, BATCH = 4, 3e-5, 16
TEMPERATURE = 0.05  # of the cosines, as sentence-transformers' losses have it
MOST = 20_000  # chunks that a question is told from
RANK = 32  # of the kept changes

Scorer = Callable[[str, list[Chunk]], list[float]]


class ToldApart(torch.nn.Module):
    """Cross-entropy of each question's right chunk among all of them by cosine (InfoNCE, arXiv 1807.03748); the chunks' vectors stay as they are.

    vectors: (chunks, dimension), normalized. right: (questions,) their places. open: (questions, chunks) false where a chunk may answer the question too."""

    def __init__(self, model: SentenceTransformer, vectors: np.ndarray, right: list[int], open: np.ndarray):
        super().__init__()
        self.model = model
        for name, values in (("vectors", torch.from_numpy(vectors)), ("right", torch.tensor(right)), ("open", torch.from_numpy(open))):
            self.register_buffer(name, values.to(model.device), persistent=False)

    def forward(self, sentence_features: list[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """labels: (batch,) places of the questions. -> the mean loss."""
        asked = torch.nn.functional.normalize(self.model(sentence_features[0])["sentence_embedding"].float(), dim=-1)
        scores = (asked @ self.vectors.T / TEMPERATURE).masked_fill(~self.open[labels], float("-inf"))
        return torch.nn.functional.cross_entropy(scores, self.right[labels])


def pool_of(found: list[Confusion], chunks: list[Chunk], most: int = MOST) -> list[Chunk]:
    """-> the chunks that questions are told from: all of the corpus, or of a large one those that matter and a random part of the others."""
    wanted = {place(c): c for one in found for c in (one.right, *one.wrong, *one.unclear)}
    rest = [c for c in chunks if place(c) not in wanted]
    return [*wanted.values(), *random.Random(0).sample(rest, max(0, min(len(rest), most - len(wanted))))]


def open_for(found: list[Confusion], pool: list[Chunk], score: Scorer) -> np.ndarray:
    """-> (questions, chunks), false for chunks that may answer a question too: those that hold its answer, and those that the cross-encoder prefers to its own
    (false negatives)."""
    at, opened = {place(c): n for n, c in enumerate(pool)}, np.ones((len(found), len(pool)), bool)
    for row, one in zip(opened, found, strict=True):
        own, *others = score(one.question, [one.right, *one.wrong])
        row[[at[place(c)] for c in one.unclear]] = False
        row[[at[place(c)] for c, s in zip(one.wrong, others, strict=True) if s >= own]] = False
    return opened


def train_embedder(
    stage: Stage, found: list[Confusion], chunks: list[Chunk], model: LocalModel, embedder: Embedder, score: Scorer, device: str,
    epochs: float = EPOCHS, learning_rate: float = LEARNING_RATE,
) -> None:  # fmt: skip
    """Write weights/ in the form that rag.changes reads, and the receipt."""
    pool = pool_of(found, chunks)
    at = {place(c): n for n, c in enumerate(pool)}
    trained = SentenceTransformer(str(model.path), device=device, local_files_only=True)
    vectors = embedder.passages([c.embedded for c in pool])
    loss = ToldApart(trained, vectors, [at[place(one.right)] for one in found], open_for(found, pool, score))
    data = Dataset.from_dict({"question": [embedder.asks + one.question for one in found], "label": list(range(len(found)))})
    args = SentenceTransformerTrainingArguments(
        output_dir=str(stage.folder / "trainer"), num_train_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=learning_rate, warmup_steps=0.1,
        bf16=computes_bfloat16(device), use_cpu=device == "cpu", logging_steps=10, save_strategy="no", report_to=[], seed=0,
    )  # fmt: skip
    seconds = SentenceTransformerTrainer(trained, args, train_dataset=data, loss=loss).train().metrics["train_runtime"]
    out = stage.folder / "weights"
    save_changes(trained[0].model, model, out, RANK)
    told = {"questions": len(found), "chunks": len(pool)}
    write_json(out / IDENTITY, {"base": model.digest, "base_name": model.name, "trained_on": [stage.run], **told, "epochs": epochs, "rank": RANK})
    stage.finish({**told, "seconds": round(seconds, 1)})
    print(f"{NAME}: {len(found)} questions told from {len(pool)} chunks, {seconds:.0f} s, weights in {out}")


def can_be_trained(settings: Settings) -> bool:
    """Whether the configured embedder is of the kind that changes can be kept of."""
    models = settings.section("model", ModelSettings)
    path = find_model(models.embedder, models.hub).path
    found = is_plain(path) and (path / "model.safetensors").exists()
    if not found:
        print(f"{NAME}: left out, since {models.embedder} is no plain encoder in one file")
    return found


def train_for_run(stage: Stage, settings: Settings, index: Path) -> None:
    """Train on the rows that the stage's run teaches, from the configured embedder as it came."""
    Stage(stage.run, "mine").receipt()
    models = settings.section("model", ModelSettings)
    retriever = open_retriever(settings, index)
    found = list(confusions(taught(stage.run, TRAIN), retriever, mistakes_of(stage.run)))
    score = shipped_reranker(settings).scores
    train_embedder(stage, found, retriever.chunks, find_model(models.embedder, models.hub), open_embedder(settings), score, choose_device(models.device)[0])
