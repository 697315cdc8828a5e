"""What is written with a trained adapter: its identity, its training record, its loss curves and the stage's result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import Trainer

from finetune.data.training_set import frozen_rows
from finetune.generator.base_model import TrainableModel
from rag.core.jsonl import file_digest, write_lines
from rag.core.run_folder import Stage
from rag.generation import prompt
from rag.models.adapters import AT_QUESTION, CURVES, IDENTITY, TRAINING_RECORD, WEIGHTS


def base_identity(base: TrainableModel, method: str, at_question: bool) -> dict[str, Any]:
    """Return what serving checks before it uses an adapter, and where the adapter acts.

    at_question: whether it acts from the question on alone.
    """
    return {
        "base": base.source.digest,
        "base_name": base.source.name,
        "precision": base.precision,
        "prompt": prompt.fingerprint(base.tokenizer),
        "method": method,
        "activation": AT_QUESTION if at_question else "everywhere",
        "apart": at_question and base.prefix.apart,
    }


def adapter_identity(stage: Stage, base: TrainableModel, method: str, at_question: bool) -> dict[str, Any]:
    """Return `base_identity` with the run, the stage and the digest of the rows that the adapter was trained on."""
    origin = {"run": stage.run, "stage": stage.name, "data": frozen_rows(stage.run)[1]}
    return {**base_identity(base, method, at_question), **origin}


def write_identity(folder: Path, identity: dict[str, Any]) -> None:
    """Write an adapter's identity beside its weights."""
    (folder / IDENTITY).write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")


def write_adapter(trainer: Trainer, folder: Path, at_question: bool) -> None:
    """Write the adapter's weights in PEFT's format; one that acts from the question on as PEFT's activated LoRA."""
    config = trainer.model.peft_config["default"]
    if at_question:
        config.alora_invocation_tokens = prompt.invocation(trainer.processing_class).ids
    trainer.model.save_pretrained(str(folder), selected_adapters=["default"])
    if at_question:
        config.alora_invocation_tokens = None
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty model card


def training_record(mined: Stage) -> dict[str, Any]:
    """Return the documents by part, and every question that the adapter was trained on or chosen by.

    The record goes where the adapter goes, so that evaluation can tell seen from new documents and refuse questions
    that were trained on.
    """
    rows, documents = frozen_rows(mined.run)[0], mined.result()["documents"]
    for part, row in rows:
        if not any(row.document in known for known in documents.values()):  # indexed after mining, then imported
            documents.setdefault(part, []).append(row.document)
    questions = [
        {"id": row.id, "part": part, "question": row.question, "documents": sorted(row.gold_passages)}
        for part, row in rows
    ]
    return {"documents": documents, "questions": questions}


def save_adapter(
    trainer: Trainer, stage: Stage, mined: Stage, identity: dict[str, Any], result: dict[str, Any]
) -> None:
    """Write the adapter with identity, record and curves, and last of all the stage's result.

    result: facts that only this stage has; those of the training are added.
    """
    folder = stage.folder / "adapter"
    write_adapter(trainer, folder, identity["activation"] == AT_QUESTION)
    write_identity(folder, {**identity, "weights": file_digest(folder / WEIGHTS)})
    write_lines(folder / TRAINING_RECORD, [training_record(mined)])
    history = trainer.state.log_history
    (folder / CURVES).write_text(json.dumps({**_earlier_curves(stage), stage.name: history}))
    f1s = [round(entry["eval_f1"], 4) for entry in history if "eval_f1" in entry]
    losses = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    seconds = round(next((entry["train_runtime"] for entry in history if "train_runtime" in entry), 0.0), 1)
    best = {"best_development_loss": min(losses, default=None), "best_development_f1": max(f1s, default=None)}
    steps = trainer.state.global_step
    stage.finish({**identity, **result, "steps": steps, **best, "seconds": seconds})
    print(f"{stage.name}: {steps} steps in {seconds} s, development loss {losses}, F1 {f1s}, adapter in {folder}")


def _earlier_curves(stage: Stage) -> dict[str, Any]:
    """Return the curves of SFT for an adapter that DPO trained further."""
    earlier = Stage(stage.run, "sft").folder / "adapter" / CURVES
    return json.loads(earlier.read_text()) if stage.name != "sft" and earlier.exists() else {}
