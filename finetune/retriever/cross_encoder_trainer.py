"""Training a cross-encoder on pairs of texts, and measuring how well it tells right pairs from wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from finetune.retriever.cross_encoder_pairs import ANSWERS, RELEVANCE, SUPPORT, RelevancePair
from finetune.retriever.encoder_trainer import encoder_arguments, train_encoder
from finetune.training_loop import checkpoint_folder
from rag.models.pair_batches import MAX_TOKENS
from rag.models.resolve import LocalModel

BATCH = 64  # pairs a step
SEED = 0  # of the new output's random weights
THRESHOLDS = np.linspace(0.02, 0.98, 97)  # scores that are tried as threshold of support
TextPair = tuple[str, str]


def open_cross_encoder(model: LocalModel, device: str) -> CrossEncoder:
    """Return the encoder with one new output, ready to be trained, with frozen embeddings.

    Attention is not fused: on a CPU its backward pass is several times faster so. There is no dropout, since few pairs
    are seen twice.
    """
    torch.manual_seed(SEED)
    encoder = CrossEncoder(
        str(model.path),
        num_labels=1,
        max_length=MAX_TOKENS,
        device=device,
        local_files_only=True,
        model_kwargs={"attn_implementation": "eager"},
        config_kwargs={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    )
    for parameter in encoder.model.base_model.embeddings.parameters():
        parameter.requires_grad_(False)
    return encoder


def fit_cross_encoder(
    encoder: CrossEncoder,
    pairs: Sequence[RelevancePair],
    device: str,
    epochs: float,
    learning_rate: float,
    folder: Path,
    label: str,
) -> float:
    """Train on the pairs with binary cross-entropy and return the seconds it took.

    folder: where checkpoints go; a killed call goes on from them. label: what the progress bar says.
    """
    facts = [[pair.claim, pair.evidence, pair.label] for pair in pairs]
    checkpoints = checkpoint_folder(folder, facts, epochs, learning_rate, BATCH)
    columns = {
        "claim": [pair.claim for pair in pairs],
        "evidence": [pair.evidence for pair in pairs],
        "label": [float(pair.label) for pair in pairs],
    }
    trainer = CrossEncoderTrainer(
        encoder,
        CrossEncoderTrainingArguments(**encoder_arguments(checkpoints, device, epochs, BATCH, learning_rate)),
        train_dataset=Dataset.from_dict(columns),
        loss=BinaryCrossEntropyLoss(encoder),
    )
    return train_encoder(trainer, label)


def measure_pairs(
    pairs: Sequence[RelevancePair], score: Callable[[list[TextPair]], Sequence[float]]
) -> dict[str, float]:
    """Return how well scores tell right pairs from wrong ones.

    auc_<kind>: area under the ROC curve, for each kind that has both. threshold: the score from which on calling a pair
    supported agrees best with the labels; kappa: that agreement, as Cohen's kappa (1960).
    """
    scores = np.asarray(score([(pair.claim, pair.evidence) for pair in pairs]))
    labels = np.array([pair.label for pair in pairs], int)
    measures: dict[str, float] = {}
    for kind in (RELEVANCE, ANSWERS, SUPPORT):
        of_kind = [pair.kind == kind for pair in pairs]
        if len(set(labels[of_kind])) == 2:
            measures[f"auc_{kind}"] = round(float(roc_auc_score(labels[of_kind], scores[of_kind])), 4)
    support = [pair.kind == SUPPORT for pair in pairs]
    kappas = {round(float(t), 3): _kappa(labels[support], scores[support] >= t) for t in THRESHOLDS}
    best = max(kappas, key=lambda threshold: kappas[threshold])
    return {**measures, "threshold": best, "kappa": round(kappas[best], 4)}


def _kappa(labels: np.ndarray, supported: np.ndarray) -> float:
    if len({*labels, *supported.astype(int)}) < 2:
        return 0.0  # scikit-learn gives NaN where both always say the same
    return float(cohen_kappa_score(labels, supported.astype(int)))
