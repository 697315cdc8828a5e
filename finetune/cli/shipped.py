"""The commands that train what ships with this package: question writer, reader, cross-encoder, boundaries, chooser; and find answers for them to learn."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune.generator.configured_base import configured_base
from rag.core.settings import Settings


def add_shipped(commands: Any) -> None:
    """Add them to the parser's commands."""
    writer = commands.add_parser(
        "writer", help="train the question writer that ships, on people's questions about other texts"
    )
    writer.add_argument("bench", type=Path, nargs="+", help="folder with documents/ and questions.jsonl")
    writer.add_argument("--out", type=Path, default=Path("finetune/weights/writer"))
    writer.set_defaults(work=run_writer)
    reader = commands.add_parser("reader", help="train the reader that ships, on people's questions about other texts")
    reader.add_argument("bench", type=Path, nargs="+", help="folder with documents/ and questions.jsonl")
    reader.add_argument(
        "--further", action="store_true", help="go on from the one that ships: as it learns to read passages apart"
    )
    reader.add_argument("--out", type=Path, default=Path("rag/weights/reader"))
    reader.set_defaults(work=run_reader)
    label = commands.add_parser(
        "label",
        help="find answers for people's questions that come with only their paragraph, to learn from; goes on after a kill",
    )
    label.add_argument("pairs", type=Path, help="folder with paragraphs.jsonl and pairs.jsonl in SQuAD's order")
    label.add_argument(
        "--out",
        type=Path,
        default=Path("var/labelled"),
        help="folder of a new bench: documents/ and questions.jsonl (default %(default)s)",
    )
    label.set_defaults(work=run_label)
    reranker = commands.add_parser(
        "reranker", help="train the cross-encoder that ships, on people's questions about other texts"
    )
    reranker.add_argument(
        "folder",
        type=Path,
        nargs="+",
        help="a bench (documents/, questions.jsonl), or paragraphs.jsonl and pairs.jsonl in SQuAD's order",
    )
    reranker.add_argument("--out", type=Path, default=Path("rag/weights/reranker"))
    reranker.set_defaults(work=run_reranker)
    boundaries = commands.add_parser(
        "boundaries",
        help="train what marks where answers begin and end, on from the cross-encoder, on people's questions",
    )
    boundaries.add_argument("bench", type=Path, nargs="+", help="folder with documents/ and questions.jsonl")
    boundaries.add_argument("--out", type=Path, default=Path("rag/weights/span_scorer"))
    boundaries.set_defaults(work=run_boundaries)
    chooser = commands.add_parser(
        "chooser",
        help="weigh generator and boundaries against each other, on people's questions that neither was trained on",
    )
    chooser.add_argument("bench", type=Path, nargs="+", help="folder with documents/ and questions.jsonl")
    chooser.add_argument(
        "--everything", action="store_true", help="weigh by all documents, not only by those left out of training"
    )
    chooser.add_argument("--out", type=Path, default=Path("rag/weights/span_selector.json"))
    chooser.set_defaults(work=run_chooser)


def run_writer(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.shipped.question_writer import train_writer

    model, device, _ = configured_base(settings)
    train_writer(model, device, args.bench, args.out)


def run_reader(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.settings import SftSettings
    from finetune.shipped.reader import train_reader
    from rag.core.sections import PrefixSettings

    model, device, _ = configured_base(settings)
    sft = replace(settings.section(SftSettings), start="reader" if args.further else "")
    train_reader(settings, model, device, args.bench, args.out, sft, settings.section(PrefixSettings))


def run_label(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.shipped.pseudo_labels import make_bench

    make_bench(settings, args.pairs, args.out)


def run_reranker(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.shipped.cross_encoder import train_reranker
    from finetune.shipped.span_proposals import propose_spans
    from rag.core.sections import ModelSettings
    from rag.models.device import choose_device
    from rag.models.resolve import find_model

    models = settings.section(ModelSettings)
    near = [
        p for folder in args.folder if (folder / "questions.jsonl").exists() for p in propose_spans(settings, folder)
    ]
    train_reranker(
        find_model(ModelSettings.embedder, models.hub), choose_device(models.device)[0], args.folder, near, args.out
    )


def run_boundaries(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.shipped.span_scorer import train_span_scorer
    from rag.core.sections import ModelSettings
    from rag.models.device import choose_device
    from rag.models.resolve import find_model

    models = settings.section(ModelSettings)
    train_span_scorer(
        find_model(ModelSettings.embedder, models.hub), choose_device(models.device)[0], args.bench, args.out
    )


def run_chooser(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.shipped.span_selector import fit_span_selector

    fit_span_selector(settings, args.bench, args.out, args.everything)
