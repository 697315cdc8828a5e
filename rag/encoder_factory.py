"""Opens the encoders that read a question together with a passage: cross-encoders and span scorers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models.cross_encoder import SHIPPED
from rag.models.device import choose_device
from rag.models.registry import INDEX, live_weights
from rag.models.resolve import LocalModel, find_model

if TYPE_CHECKING:
    from rag.models.cross_encoder import CrossEncoder
    from rag.models.span_scorer import SpanScorer
    from rag.retrieval.reranking import Reranker


def open_reranker(settings: Settings, index: Path = INDEX) -> Reranker | None:
    """Open what orders the passages: the configured model, the index's promoted cross-encoder, or the span scorer.

    None if there is none.
    """
    from rag.models.cross_encoder import CrossEncoder

    models = settings.section(ModelSettings)
    if delta := reranker_delta(models, index):
        return open_trained_reranker(settings, delta)
    if not models.cross_encoder:
        return None
    if models.reranker == "auto":
        return open_small_span_scorer(settings)
    return CrossEncoder(find_model(models.cross_encoder, models.hub), device_of(settings))


def reranker_delta(models: ModelSettings, index: Path = INDEX) -> Path | None:
    """Return the folder of the weight delta that makes a cross-encoder from the default embedder.

    With the setting "auto" it is the index's promoted one, with "shipped" the one in this package. None where something
    else orders the passages.
    """
    if models.cross_encoder != "shipped":
        return None
    return live_weights(index, "reranker") if models.reranker == "auto" else SHIPPED


def reranker_name(models: ModelSettings, index: Path = INDEX) -> str:
    """Return what orders the passages, in words."""
    if delta := reranker_delta(models, index):
        return f"cross-encoder {delta}"
    return "small span scorer" if models.reranker == "auto" and models.cross_encoder else models.cross_encoder or "none"


def open_shipped_reranker(settings: Settings) -> CrossEncoder:
    """Open the shipped cross-encoder."""
    return open_trained_reranker(settings, SHIPPED)


def open_trained_reranker(settings: Settings, delta: Path) -> CrossEncoder:
    """Open the cross-encoder that the weight delta in this folder makes from the default embedder."""
    return _trained_reranker(_shared_encoder(settings), device_of(settings), delta)


@cache
def _trained_reranker(model: LocalModel, device: str, delta: Path) -> CrossEncoder:
    """Load it once: mining uses the same one to rank passages and to judge spans."""
    from rag.models.cross_encoder import CrossEncoder

    return CrossEncoder(model, device, delta)


def reads_large(settings: Settings) -> bool:
    """Return whether the large span scorer finds the answers, rather than the small one."""
    from rag.models.resolve import SPLIT_WHEELS
    from rag.models.span_scorer import LARGE_MODEL

    wanted = settings.section(ModelSettings).span_scorer
    return SPLIT_WHEELS[LARGE_MODEL].is_installed() if wanted == "auto" else wanted == "large"


def span_scorer_name(settings: Settings) -> str:
    """Return which span scorer finds the answers, in words, and where it is the small one how to get the other."""
    from rag.models.resolve import SPLIT_WHEELS
    from rag.models.span_scorer import LARGE_MODEL

    if reads_large(settings):
        return "large span scorer"
    chosen = settings.section(ModelSettings).span_scorer == "small"
    return "small span scorer" + ("" if chosen else f"; for the large one: {SPLIT_WHEELS[LARGE_MODEL].install}")


def span_scorer_model(settings: Settings) -> LocalModel:
    """Return the model under the weight delta of the span scorer that finds the answers."""
    from rag.models.span_scorer import LARGE_MODEL

    return find_model(f"wheel:{LARGE_MODEL}") if reads_large(settings) else _shared_encoder(settings)


def open_span_scorer(settings: Settings) -> SpanScorer:
    """Open the span scorer that finds the answers in the passages shown."""
    from rag.models.span_scorer import LARGE

    if not reads_large(settings):
        return open_small_span_scorer(settings)
    return _span_scorer(span_scorer_model(settings), device_of(settings), LARGE)


def open_small_span_scorer(settings: Settings) -> SpanScorer:
    """Open the span scorer that is a weight delta of the default embedder: it orders the passages."""
    from rag.models import span_scorer

    return _span_scorer(_shared_encoder(settings), device_of(settings), span_scorer.SHIPPED)


@cache
def _span_scorer(model: LocalModel, device: str, delta: Path) -> SpanScorer:
    from rag.models.span_scorer import SpanScorer

    return SpanScorer(model, device, delta)


def device_of(settings: Settings) -> str:
    """Return the device that the settings name."""
    return choose_device(settings.section(ModelSettings).device)[0]


def _shared_encoder(settings: Settings) -> LocalModel:
    """Return the default embedder's model, whichever embedder is configured: shipped weight deltas belong to it."""
    return find_model(ModelSettings.embedder, settings.section(ModelSettings).hub)
