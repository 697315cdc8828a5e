"""The model to train on, as the settings name it."""

from __future__ import annotations

from rag.core.settings import Settings
from rag.models.resolve import LocalModel, ModelSettings, choose_device, find_model


def base_of(settings: Settings) -> tuple[LocalModel, str, str]:
    """-> model, device, precision: NF4 (QLoRA) unless model.precision says otherwise."""
    models = settings.section("model", ModelSettings)
    precision = "nf4" if models.precision == "auto" else models.precision
    return find_model(models.generator, models.hub), *choose_device(models.device, precision)
