"""The corpus's own embedder: trained on mined questions, how it reads them and how it reads passages, so that all passages are read anew when it goes live.

To train the questions' side alone would spare that, but on gold it was worse than no training, where both sides were not (eval/LOG.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from torch.nn.functional import cross_entropy, normalize

from finetune.retriever.hard_negatives import HardNegatives, hard_negatives_for_run, place
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.factory import open_embedder, open_shipped_reranker
from rag.models.device import choose_device, computes_bfloat16
from rag.models.embedder import Embedder
from rag.models.encoders import is_plain
from rag.models.resolve import LocalModel, find_model
from rag.models.weight_delta import IDENTITY_FILE, save_delta

NAME = "corpus-embedder"  # of the stage, and of its command
EPOCHS, LEARNING_RATE, BATCH = 4, 3e-5, 16
JUDGED = 4  # of a question's wrong passages that the cross-encoder looks at, the most confusing first
TEMPERATURE = 0.05  # of the cosines, as sentence-transformers' losses have it
RANK = 32  # of the kept changes

Place = tuple[str, int, int]
Scorer = Callable[[str, list[Chunk]], list[float]]


@dataclass(frozen=True)
class ContrastiveExample:
    """A question, its passage, the most confusing of those that do not answer it, and places of passages that may answer it too (false negatives)."""

    question: str
    right: Chunk
    wrong: Chunk
    unclear: frozenset[Place]


class ContrastiveLoss(torch.nn.Module):
    """Cross-entropy of each question's passage among the passages of its batch by cosine (InfoNCE with in-batch negatives, arXiv 1807.03748). A passage that
    may answer a question, its own a second time among them, is none of those that it is told from.

    may_answer: (questions, passages) of the whole data."""

    def __init__(self, model: SentenceTransformer, may_answer: torch.Tensor):
        super().__init__()
        self.model = model
        self.register_buffer("may_answer", may_answer.to(model.device), persistent=False)

    def forward(self, sentence_features: list[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """sentence_features: of questions, right and wrong passages. labels: (batch, 3), the numbers of each. -> the mean loss."""
        vectors = [
            normalize(self.model(features)["sentence_embedding"].float(), dim=-1) for features in sentence_features
        ]
        scores = vectors[0] @ torch.cat(vectors[1:]).T / TEMPERATURE
        closed = self.may_answer[labels[:, 0]][:, torch.cat([labels[:, 1], labels[:, 2]])]
        own = torch.arange(len(labels), device=scores.device)
        closed[own, own] = False
        return cross_entropy(scores.masked_fill(closed, float("-inf")), own)


def contrastive_examples(found: list[HardNegatives], score: Scorer) -> Iterator[ContrastiveExample]:
    """-> one of each question that has a passage to be told from. What the cross-encoder prefers to a question's own passage may answer it too."""
    for one in found:
        looked_at = one.wrong[:JUDGED]
        own, *others = score(one.question, [one.right, *looked_at])
        wrong = [c for c, s in zip(looked_at, others, strict=True) if s < own]
        if wrong:
            yield ContrastiveExample(
                one.question,
                one.right,
                wrong[0],
                frozenset(place(c) for c in (one.right, *one.unclear, *looked_at) if c not in wrong),
            )


def numbered(given: list[ContrastiveExample]) -> tuple[list[list[int]], torch.Tensor]:
    """-> of each example the numbers of question, right and wrong passage; and (questions, passages) which may answer which."""
    number = {at: n for n, at in enumerate(dict.fromkeys(place(c) for e in given for c in (e.right, e.wrong)))}
    may_answer = torch.tensor([[at in e.unclear for at in number] for e in given])
    return [[n, number[place(e.right)], number[place(e.wrong)]] for n, e in enumerate(given)], may_answer


def train_embedder(
    stage: Stage, found: list[HardNegatives], model: LocalModel, embedder: Embedder, score: Scorer, device: str,
    epochs: float = EPOCHS, learning_rate: float = LEARNING_RATE,
) -> None:  # fmt: skip
    """Write weights/ in the form that rag.models.weight_delta reads, and the receipt. Raises TrainingError when no question is left."""
    given = list(contrastive_examples(found, score))
    if not given:
        raise TrainingError("no mined question has a passage that it could be told from: index more documents")
    trained, (numbers, may_answer) = (
        SentenceTransformer(str(model.path), device=device, local_files_only=True),
        numbered(given),
    )
    data = Dataset.from_dict({
        "question": [embedder.asks + e.question for e in given], "right": [embedder.shows + e.right.embedding_text for e in given],
        "wrong": [embedder.shows + e.wrong.embedding_text for e in given], "label": numbers,
    })  # fmt: skip
    args = SentenceTransformerTrainingArguments(
        output_dir=str(stage.folder / "trainer"), num_train_epochs=epochs, per_device_train_batch_size=BATCH, learning_rate=learning_rate, warmup_steps=0.1,
        bf16=computes_bfloat16(device), use_cpu=device == "cpu", logging_steps=10, save_strategy="no", report_to=[], seed=0,
    )  # fmt: skip
    trainer = SentenceTransformerTrainer(trained, args, train_dataset=data, loss=ContrastiveLoss(trained, may_answer))
    seconds, out = trainer.train().metrics["train_runtime"], stage.folder / "weights"
    save_delta(trained[0].model, model, out, RANK)
    told = {"questions": len(given), "epochs": epochs, "rank": RANK}
    write_json(out / IDENTITY_FILE, {"base": model.digest, "base_name": model.name, "trained_on": [stage.run], **told})
    stage.finish({**told, "seconds": round(seconds, 1)})
    print(f"{NAME}: {len(given)} questions, {seconds:.0f} s, weights in {out}")


def can_be_trained(settings: Settings) -> bool:
    """Whether the configured embedder is of the kind that changes can be kept of."""
    models = settings.section(ModelSettings)
    path = find_model(models.embedder, models.hub).path
    found = is_plain(path) and (path / "model.safetensors").exists()
    if not found:
        print(f"{NAME}: left out, since {models.embedder} is no plain encoder in one file")
    return found


def train_corpus_embedder(stage: Stage, settings: Settings, index: Path) -> None:
    """Train on the rows that the stage's run teaches, from the configured embedder as it came."""
    Stage(stage.run, "mine").result()
    models = settings.section(ModelSettings)
    found, model, device = (
        hard_negatives_for_run(stage.run, settings, index),
        find_model(models.embedder, models.hub),
        choose_device(models.device)[0],
    )
    train_embedder(stage, found, model, open_embedder(settings), open_shipped_reranker(settings).scores, device)
