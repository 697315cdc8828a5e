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

# Raise it with any change of code that changes predictions or their format: predictions kept before are then made anew.
PREDICTIONS_VERSION = 2


def generator_identity(generator: Generator, adapter: Path | None) -> dict[str, Any]:
    """Return all of a generator that decides what it answers."""
    weights = (adapter / "adapter_model.safetensors").read_bytes() if adapter else None
    return {
        "version": PREDICTIONS_VERSION,
        "model": generator.digest,
        "device": generator.device,
        "precision": generator.precision,
        "block_attention": generator.block_attention,
        "prompts": [prompt.fingerprint(generator.tokenizer), prompt.CLOSED_BOOK],
        "adapter": hashlib.sha256(weights).hexdigest() if weights else None,
    }


def selection_identity(answerer: Answerer) -> dict[str, Any]:
    """Return all that decides which span, or which part of a generated text, is shown."""
    selector = answerer.selector
    weights = (selector.weights, selector.recalibration) if selector else ()
    return {
        "answer": dataclasses.asdict(answerer.settings),
        "selector": [dataclasses.asdict(each) for each in weights],
        "scorer": selector.scorer.digest if selector else None,
    }


def passage_rows(passages: PassagesById) -> list[dict[str, Any]]:
    """Return the passages of each question as JSON objects."""
    return [{"id": id, "passages": [dataclasses.asdict(p.chunk) for p in found]} for id, found in passages.items()]


def json_digest(data: dict[str, Any]) -> str:
    """Return 16 hexadecimal digits that change with the data."""
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
