"""What the predictions of a generator depend on, as data whose digest names the files they are kept in."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from eval.runs.predict import PassagesById
from rag.answering.answerer import Answerer
from rag.generation import prompt
from rag.generation.generator import Generator


def generator_identity(generator: Generator, adapter: Path | None) -> dict[str, Any]:
    """-> all of a generator that decides what it says."""
    return {
        "model": generator.digest,
        "device": generator.device,
        "precision": generator.precision,
        "apart": generator.block_attention,
        "prompts": [prompt.fingerprint(generator.tokenizer), prompt.CLOSED_BOOK],
        "adapter": hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
        if adapter
        else None,
    }


def selection_identity(answerer: Answerer) -> dict[str, Any]:
    """-> all that decides which of a generator's words are shown."""
    selector = answerer.selector
    weights = (
        [dataclasses.asdict(kept) for kept in (selector.selection, selector.confidence, selector.recalibration)]
        if selector
        else None
    )
    return {"answer": dataclasses.asdict(answerer.settings), "chooser": weights,
            "boundaries": selector.scorer.digest if selector else None}  # fmt: skip


def passage_rows(shown: PassagesById) -> list[dict[str, Any]]:
    return [{"id": id, "passages": [dataclasses.asdict(p.chunk) for p in found]} for id, found in shown.items()]


def json_digest(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
