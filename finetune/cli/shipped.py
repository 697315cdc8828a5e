"""The commands that train what ships with this package, on people's questions about other texts."""

from __future__ import annotations

import argparse
from dataclasses import replace

from finetune.generator.configured_base import configured_base
from rag.core.sections import ModelSettings, PrefixSettings
from rag.core.settings import Settings
from rag.models.resolve import LocalModel, find_model


def run_writer(args: argparse.Namespace, settings: Settings) -> None:
    """Train the question writer."""
    from finetune.shipped.question_writer import train_writer

    model, device, _ = configured_base(settings)
    train_writer(model, device, args.folder, args.out)


def run_reader(args: argparse.Namespace, settings: Settings) -> None:
    """Train the reader, anew or from the shipped one on."""
    from finetune.settings import SftSettings
    from finetune.shipped.reader import train_reader

    model, device, _ = configured_base(settings)
    sft = replace(settings.section(SftSettings), start="reader" if args.further else "")
    train_reader(settings, model, device, args.bench, args.out, sft, settings.section(PrefixSettings))


def run_cross_encoder(args: argparse.Namespace, settings: Settings) -> None:
    """Train the cross-encoder, also on spans that the shipped reader proposes for the benches' questions."""
    from finetune.shipped.cross_encoder import train_shipped_cross_encoder
    from finetune.shipped.span_proposals import propose_spans

    benches = [folder for folder in args.folder if (folder / "questions.jsonl").exists()]
    proposals = [proposal for bench in benches for proposal in propose_spans(settings, bench)]
    train_shipped_cross_encoder(*_encoder(settings), args.folder, proposals, args.out)


def run_span_scorer(args: argparse.Namespace, settings: Settings) -> None:
    """Train the small span scorer or the large one."""
    from finetune.shipped import span_scorer as training
    from rag.models import span_scorer

    small, device = _encoder(settings)
    if args.large:
        large = find_model(f"wheel:{span_scorer.LARGE_MODEL}")
        recipe = training.LARGE_FURTHER if args.further else training.LARGE
        training.train_span_scorer(large, device, args.folder, recipe, args.out or span_scorer.LARGE)
    else:
        training.train_span_scorer(small, device, args.folder, training.SMALL, args.out or span_scorer.SHIPPED)


def run_span_selector(args: argparse.Namespace, settings: Settings) -> None:
    """Fit the weights of the span selector, for the span scorer that the settings name."""
    from finetune.shipped.span_selector import fit_span_selector
    from rag.factory import selector_weights

    fit_span_selector(settings, args.folder, args.out or selector_weights(settings), args.everything)


def _encoder(settings: Settings) -> tuple[LocalModel, str]:
    """Return the encoder that cross-encoder and small span scorer are trained from, and the device."""
    from rag.models.device import choose_device

    models = settings.section(ModelSettings)
    return find_model(ModelSettings.embedder, models.hub), choose_device(models.device)[0]
