"""The commands that train what ships with this package, on people's questions about other texts."""

from __future__ import annotations

import argparse
from dataclasses import replace

from finetune.generator.configured_base import configured_base
from rag.core.sections import ModelSettings, PrefixSettings
from rag.core.settings import Settings
from rag.models.resolve import LocalModel


def run_writer(args: argparse.Namespace, settings: Settings) -> None:
    """Train the question writer."""
    from finetune.shipped.question_writer import train_writer

    model, device, _ = configured_base(settings)
    train_writer(model, device, args.bench, args.out)


def run_reader(args: argparse.Namespace, settings: Settings) -> None:
    """Train the reader, anew or from the shipped one on."""
    from finetune.settings import SftSettings
    from finetune.shipped.reader import train_reader

    model, device, _ = configured_base(settings)
    sft = replace(settings.section(SftSettings), start="reader" if args.further else "")
    train_reader(settings, model, device, args.bench, args.out, sft, settings.section(PrefixSettings))


def run_label(args: argparse.Namespace, settings: Settings) -> None:
    """Make a bench from question pairs without answers."""
    from finetune.shipped.pseudo_labels import make_bench

    make_bench(settings, args.pairs, args.out)


def run_cross_encoder(args: argparse.Namespace, settings: Settings) -> None:
    """Train the cross-encoder, also on spans that the shipped reader proposes for the benches' questions."""
    from finetune.shipped.cross_encoder import train_shipped_cross_encoder
    from finetune.shipped.span_proposals import propose_spans

    benches = [folder for folder in args.folder if (folder / "questions.jsonl").exists()]
    proposals = [proposal for bench in benches for proposal in propose_spans(settings, bench)]
    train_shipped_cross_encoder(*_encoder(settings), args.folder, proposals, args.out)


def run_span_scorer(args: argparse.Namespace, settings: Settings) -> None:
    """Train the span scorer."""
    from finetune.shipped.span_scorer import train_span_scorer

    train_span_scorer(*_encoder(settings), args.folder, args.out)


def run_span_selector(args: argparse.Namespace, settings: Settings) -> None:
    """Fit the weights of the span selector."""
    from finetune.shipped.span_selector import fit_span_selector

    fit_span_selector(settings, args.folder, args.out, args.everything)


def _encoder(settings: Settings) -> tuple[LocalModel, str]:
    """Return the encoder that cross-encoder and span scorer are trained from, and the device."""
    from rag.models.device import choose_device
    from rag.models.resolve import find_model

    models = settings.section(ModelSettings)
    return find_model(ModelSettings.embedder, models.hub), choose_device(models.device)[0]
