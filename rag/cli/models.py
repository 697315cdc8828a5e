"""`rag models`: the configured models, and where they run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.sections import ModelSettings
from rag.core.settings import Settings

if TYPE_CHECKING:
    from rag.models.resolve import LocalModel


def run_models(args: argparse.Namespace, settings: Settings) -> None:
    """Find, check and, where needed, convert each model, and print it."""
    from rag.factory import live_adapter, shipped_reader
    from rag.models.device import choose_device

    models = settings.section(ModelSettings)
    device, precision = choose_device(models.device, models.precision)
    for role, model in describe_models(settings, args.index):
        print(f"{role}: {model or 'none; passages keep their fused order'}")
    adapter = live_adapter(args.index) or shipped_reader(settings)
    print(f"adapter: {adapter or 'none for this generator: make train'}")
    print(f"device: {device}, precision: {precision}")


def describe_models(settings: Settings, index: Path) -> Iterator[tuple[str, str]]:
    """Yield each role with its model, folder and digest; "" for a role without a model.

    Raises ModelError when a model is missing or damaged.
    """
    from rag.encoder_factory import reranker_name, span_scorer_model, span_scorer_name
    from rag.models.resolve import find_model

    models = settings.section(ModelSettings)
    yield "generator", _describe(find_model(models.generator, models.hub))
    yield "embedder", _describe(find_model(models.embedder, models.hub))
    yield "answers found by", _describe(span_scorer_model(settings), f", {span_scorer_name(settings)}")
    if not models.cross_encoder:
        yield "reranker", ""
        return
    weights = f" with {reranker_name(models, index)}" if models.cross_encoder == "shipped" else ""
    yield "reranker", _describe(find_model(models.cross_encoder, models.hub), weights)


def _describe(model: LocalModel, delta: str = "") -> str:
    return f"{model.name}{delta}, {model.path}, digest {model.digest[:12]}"
