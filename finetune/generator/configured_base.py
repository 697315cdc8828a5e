"""The base model that the settings name, for training. Light: nothing is loaded."""

from __future__ import annotations

from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models.device import choose_device
from rag.models.resolve import LocalModel, find_model


def configured_base(settings: Settings) -> tuple[LocalModel, str, str]:
    """Return model, device and precision for training: NF4 (QLoRA) unless model.precision says otherwise."""
    models = settings.section(ModelSettings)
    precision = "nf4" if models.precision == "auto" else models.precision
    return find_model(models.generator, models.hub), *choose_device(models.device, precision)
