"""The corpus's own embedder: trained on mined questions, on how it encodes questions and passages alike.

When it goes live, all passages are encoded anew. Training the questions' side alone would spare that, but on the gold
questions it was worse than no training, where training both sides was not (eval/LOG.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.encoder_factory import open_shipped_reranker
from rag.factory import open_embedder
from rag.models.device import choose_device
from rag.models.encoders import is_plain
from rag.models.resolve import LocalModel, find_model

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer

    from finetune.retriever.contrastive import ContrastiveExample, Scorer
    from finetune.retriever.hard_negatives import HardNegatives
    from rag.models.embedder import Embedder

STAGE = "corpus-embedder"  # in a run, and the command
EPOCHS, LEARNING_RATE, BATCH = 4, 3e-5, 16
RANK = 32  # of the weight delta


def train_embedder(
    stage: Stage,
    found: Sequence[HardNegatives],
    model: LocalModel,
    embedder: Embedder,
    score: Scorer,
    device: str,
    epochs: float = EPOCHS,
    learning_rate: float = LEARNING_RATE,
) -> None:
    """Train `model` and write its weight delta to the stage's folder `weights`, then the stage's result.

    embedder: names the prompts before questions and passages. score: the cross-encoder's. Raises TrainingError when no
    question has a hard negative.
    """
    from finetune.retriever.contrastive import contrastive_examples
    from finetune.retriever.encoder_trainer import save_encoder, train_encoder

    examples = list(contrastive_examples(found, score))
    if not examples:
        raise TrainingError("no mined question has a hard negative: index more documents")
    encoder, trainer = _make_trainer(stage.folder, examples, model, embedder, device, epochs, learning_rate)
    seconds, out = train_encoder(trainer, "embedder"), stage.folder / "weights"
    facts = {"questions": len(examples), "epochs": epochs, "rank": RANK}
    save_encoder(encoder[0].model, model, out, RANK, {"trained_on": [stage.run], **facts})
    stage.finish({**facts, "seconds": round(seconds, 1)})
    print(f"{STAGE}: {len(examples)} questions, {seconds:.0f} s, weights in {out}")


def _make_trainer(
    folder: Path,
    examples: Sequence[ContrastiveExample],
    model: LocalModel,
    embedder: Embedder,
    device: str,
    epochs: float,
    learning_rate: float,
) -> tuple[SentenceTransformer, SentenceTransformerTrainer]:
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )

    from finetune.retriever.contrastive import ContrastiveLoss, number_passages
    from finetune.retriever.encoder_trainer import encoder_arguments
    from finetune.training_loop import checkpoint_folder

    encoder = SentenceTransformer(str(model.path), device=device, local_files_only=True)
    numbers, may_answer = number_passages(examples)
    data = _dataset(examples, numbers, embedder)
    false_negatives = [sorted(example.may_answer) for example in examples]
    checkpoints = checkpoint_folder(folder, data.to_dict(), false_negatives, epochs, learning_rate, BATCH)
    arguments = encoder_arguments(checkpoints, device, epochs, BATCH, learning_rate)
    trainer = SentenceTransformerTrainer(
        encoder,
        SentenceTransformerTrainingArguments(**arguments),
        train_dataset=data,
        loss=ContrastiveLoss(encoder, may_answer),
    )
    return encoder, trainer


def _dataset(examples: Sequence[ContrastiveExample], numbers: list[list[int]], embedder: Embedder) -> Dataset:
    from datasets import Dataset

    return Dataset.from_dict(
        {
            "question": [embedder.query_prompt + example.question for example in examples],
            "positive": [embedder.passage_prompt + example.positive.embedding_text for example in examples],
            "negative": [embedder.passage_prompt + example.negative.embedding_text for example in examples],
            "label": numbers,
        }
    )


def can_be_trained(settings: Settings) -> bool:
    """Return whether a weight delta of the configured embedder can be kept: a plain encoder in one file."""
    models = settings.section(ModelSettings)
    path = find_model(models.embedder, models.hub).path
    plain = is_plain(path) and (path / "model.safetensors").exists()
    if not plain:
        print(f"{STAGE}: left out, since {models.embedder} is no plain encoder in one file")
    return plain


def train_embedder_for_run(stage: Stage, settings: Settings, index: Path) -> None:
    """Train the configured embedder, as it came, on the mined rows of the stage's run."""
    from finetune.retriever.hard_negatives import hard_negatives_for_run

    Stage(stage.run, "mine").result()
    models = settings.section(ModelSettings)
    found = hard_negatives_for_run(stage.run, settings, index)
    model, device = find_model(models.embedder, models.hub), choose_device(models.device)[0]
    train_embedder(stage, found, model, open_embedder(settings), open_shipped_reranker(settings).scores, device)
