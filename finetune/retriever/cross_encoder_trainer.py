"""TODO docstring of finetune.retriever.cross_encoder_trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

from finetune.retriever.cross_encoder_pairs import RelevancePair
from rag.models.cross_encoder import LENGTH
from rag.models.device import computes_bfloat16
from rag.models.resolve import LocalModel


def open_trainable(model: LocalModel, device: str) -> CrossEncoder:
    """-> the encoder with one output. Attention is written out, since its backward pass is several times faster on a CPU than the fused kernel's; no dropout,
    since few pairs are seen twice; embeddings frozen."""
    encoder = CrossEncoder(
        str(model.path), num_labels=1, max_length=LENGTH, device=device, local_files_only=True, model_kwargs={"attn_implementation": "eager"},
        config_kwargs={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    )  # fmt: skip
    for parameter in encoder.model.base_model.embeddings.parameters():
        parameter.requires_grad_(False)
    return encoder


def fit_cross_encoder(
    encoder: CrossEncoder, rows: list[RelevancePair], device: str, epochs: float, learning_rate: float, folder: Path
) -> float:
    """Train on the pairs; -> seconds."""
    args = CrossEncoderTrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, per_device_train_batch_size=64, learning_rate=learning_rate, warmup_steps=0.1,
        lr_scheduler_type="linear", bf16=computes_bfloat16(device), use_cpu=device == "cpu", logging_steps=10, save_strategy="no", report_to=[], seed=0,
        train_sampling_strategy="group_by_length",
    )  # fmt: skip
    trainer = CrossEncoderTrainer(encoder, args, train_dataset=_dataset(rows), loss=BinaryCrossEntropyLoss(encoder))
    return trainer.train().metrics["train_runtime"]


def _dataset(rows: list[RelevancePair]) -> Dataset:
    return Dataset.from_dict(
        {
            "claim": [r.claim for r in rows],
            "evidence": [r.evidence for r in rows],
            "label": [float(r.label) for r in rows],
        }
    )


def measure_pairs(
    rows: list[RelevancePair], scorer: Callable[[list[tuple[str, str]]], Sequence[float]]
) -> dict[str, float]:
    """-> for each kind of pair of which there are right and wrong ones, how often a right one scores above a wrong one (area under the
    ROC curve); and the score from which on calling a pair supported agrees best with the labels (Cohen's kappa), with that kappa."""
    scores = np.asarray(scorer([(r.claim, r.evidence) for r in rows]))
    found: dict[str, float] = {}
    for kind in ("relevance", "answers", "support"):
        good, bad = (scores[[r.kind == kind and r.label == label for r in rows]] for label in (1, 0))
        if len(good) and len(bad):
            found[f"auc_{kind}"] = round(float((good[:, None] > bad[None]).mean()), 4)
    own, right = (
        scores[[r.kind == "support" for r in rows]],
        np.array([r.label for r in rows if r.kind == "support"], bool),
    )
    kappas = {round(float(cut), 3): _kappa(right, own >= cut) for cut in np.linspace(0.02, 0.98, 97)}
    best = max(kappas, key=lambda cut: kappas[cut])
    return {**found, "threshold": best, "kappa": round(kappas[best], 4)}


def _kappa(a: np.ndarray, b: np.ndarray) -> float:
    same, chance = (a == b).mean(), a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return float((same - chance) / (1 - chance)) if chance < 1 else 0.0
