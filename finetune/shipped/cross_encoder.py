"""The cross-encoder that ships: MiniLM, trained on people's questions to tell whether a passage bears out a question or an answer; kept as low-rank changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

from finetune.shipped.bench import measures_only
from finetune.shipped.cross_encoder_pairs import Pair, make_pairs, read_questions
from finetune.shipped.span_proposals import Proposal
from rag.models.cross_encoder import LENGTH, SHIPPED, Reranker
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel, computes_bfloat16
from rag.models.weight_delta import IDENTITY, save_changes

RIGHT, WRONG = 0.5, 0.25  # token F1 from which, and below which, a proposal is right or wrong


def as_pairs(near: list[Proposal]) -> Iterator[Pair]:
    """-> what the reader proposed, right and wrong, as pairs; of those in between nothing is said."""
    for p in near:
        if p.f1 >= RIGHT or p.f1 < WRONG:
            yield Pair(p.claim, p.evidence, int(p.f1 >= RIGHT), "support")


def train_reranker(
    model: LocalModel,
    device: str,
    folders: list[Path],
    near: list[Proposal],
    out: Path = SHIPPED,
    epochs: float = 1,
    wrong: int = 1,
    rank: int = 64,
) -> None:
    """Train the cross-encoder on the folders' questions and keep it in `out`: what changed, and how well it tells held-out pairs apart.

    near: what the reader proposed for them. wrong: passages that do not answer, for each question. rank: of the kept changes."""
    embedder = Embedder(model, device)
    chunks, paragraphs, asked = read_questions(folders, embedder)
    train, held = ([q for q in asked if measures_only(q.document) == only] for only in (False, True))
    own = ([*as_pairs([p for p in near if measures_only(p.document) == only])] for only in (False, True))
    rows = [*make_pairs(chunks, paragraphs, train, embedder, wrong), *next(own)]
    rows += [row for row in rows if row.kind == "answers"]  # seen twice: what takes longest to learn
    test = [*make_pairs(chunks, paragraphs, held, embedder, wrong, seed=1), *next(own)]
    print(f"{len(train)} questions make {len(rows)} pairs; {len(held)} questions ({len(test)} pairs) only measure")
    encoder = open_trainable(model, device)
    fit(encoder, rows, device, epochs, 1e-4, Path("var/runs/reranker"))
    save_changes(encoder.model, model, out, rank)
    about = {"base": model.digest, "base_name": model.name, "licence": "CC BY-SA 4.0", "trained_on": [f.name for f in folders], "questions": len(train),
             "proposals": len(near), "pairs": len(rows), "epochs": epochs, "rank": rank, "threshold": 0.5}  # fmt: skip
    write_json(out / IDENTITY, about)
    whole, kept = measure(test, encoder.predict), measure(test, Reranker(model, device, out).score_pairs)
    write_json(out / IDENTITY, {**about, **kept})
    print(f"held-out pairs told apart: {whole} as trained, {kept} as kept in {out}")


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


def fit(
    encoder: CrossEncoder, rows: list[Pair], device: str, epochs: float, learning_rate: float, folder: Path
) -> float:
    """Train on the pairs; -> seconds."""
    args = CrossEncoderTrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, per_device_train_batch_size=64, learning_rate=learning_rate, warmup_steps=0.1,
        lr_scheduler_type="linear", bf16=computes_bfloat16(device), use_cpu=device == "cpu", logging_steps=10, save_strategy="no", report_to=[], seed=0,
        train_sampling_strategy="group_by_length",
    )  # fmt: skip
    trainer = CrossEncoderTrainer(encoder, args, train_dataset=_dataset(rows), loss=BinaryCrossEntropyLoss(encoder))
    return trainer.train().metrics["train_runtime"]


def write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _dataset(rows: list[Pair]) -> Dataset:
    return Dataset.from_dict(
        {
            "claim": [r.claim for r in rows],
            "evidence": [r.evidence for r in rows],
            "label": [float(r.label) for r in rows],
        }
    )


def measure(rows: list[Pair], scorer: Callable[[list[tuple[str, str]]], Sequence[float]]) -> dict[str, float]:
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
