"""The commands that measure a part of the system, or the system against others, rather than its answers to questions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from eval.runs.generators import parse_generators
from rag.core.settings import Settings


def add_suites(commands: Any) -> None:
    """Add them to the parser's commands."""
    agreement = commands.add_parser("agreement", help="groundedness against answers labelled by hand")
    agreement.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    agreement.set_defaults(work=run_agreement)
    scale = commands.add_parser(
        "scale",
        help="embedding, searching, opening and adding at scale, as ratios to peers in the same run (bm25s is needed)",
    )
    scale.add_argument(
        "--chunks",
        default="100000",
        metavar="N,...",
        help="numbers of chunks (default %(default)s; a million takes some minutes and 6 GB)",
    )
    scale.add_argument(
        "--folder",
        type=Path,
        default=Path("var/scale"),
        metavar="DIR",
        help="where indexes are made and deleted again (default %(default)s)",
    )
    scale.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    scale.set_defaults(work=run_scale)
    fast = commands.add_parser(
        "speed", help="seconds an answer, against transformers, llama.cpp and ctranslate2 (pip install -e .[peers])"
    )
    fast.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="(default %(default)s)")
    fast.add_argument(
        "--corpus", type=Path, default=Path("corpus"), metavar="DIR", help="folder of gold.jsonl (default %(default)s)"
    )
    fast.add_argument("--sample", type=int, default=24, metavar="N", help="questions (default %(default)s)")
    fast.add_argument(
        "--adapter", type=Path, metavar="DIR", help="time it too (default: the live one, if there is one)"
    )
    fast.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    fast.set_defaults(work=run_speed)
    followup = commands.add_parser(
        "followup",
        help="follow-up questions over the sample corpus: recall as asked and as rewritten (eval/suites/conversations.jsonl)",
    )
    followup.add_argument(
        "--index", type=Path, default=Path("var/index"), metavar="DIR", help="an index of corpus/ (default %(default)s)"
    )
    followup.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    followup.set_defaults(work=run_followup)
    attacks = commands.add_parser(
        "attacks",
        help="documents that give the reader orders: how many are followed, by kind (eval/suites/attacks.jsonl)",
    )
    attacks.add_argument(
        "--corpus",
        type=Path,
        default=Path("corpus"),
        metavar="DIR",
        help="documents that stand around them (default %(default)s)",
    )
    attacks.add_argument(
        "--generators",
        metavar="NAMES",
        help="base, tuned, NAME=ADAPTER (default: base, the reader that ships, the live adapter)",
    )
    attacks.add_argument(
        "--adapter", type=Path, metavar="DIR", help="the adapter called tuned (default: the live one, else the newest)"
    )
    attacks.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    attacks.set_defaults(work=run_attacks)
    peer = commands.add_parser(
        "peer", help="another model, behind an OpenAI-compatible endpoint, on a finished run's questions and passages"
    )
    peer.add_argument("run", type=Path, help="folder of predictions, such as var/runs/gold/predictions")
    peer.add_argument(
        "--url",
        required=True,
        help="what comes before /chat/completions; its model: --set endpoint.model=NAME; passages go there",
    )
    peer.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    peer.set_defaults(work=run_peer)


def write(path: Path | None, figures: dict) -> None:
    from rag.core.jsonl import write_json

    if path:
        write_json(path, figures)


def run_agreement(args: argparse.Namespace, settings: Settings) -> None:
    from eval.metrics.groundedness import open_support_model
    from eval.suites.agreement import as_lines, measure_agreement

    found = measure_agreement(open_support_model(settings))
    write(args.json, found)
    print(as_lines(found))


def run_peer(args: argparse.Namespace, settings: Settings) -> None:
    from eval.report.report import as_text
    from eval.runs.peer import ask_peer
    from rag.core.sections import EndpointSettings
    from rag.generation.chat_endpoint import Endpoint

    found = ask_peer(settings, args.run, Endpoint(args.url, settings.section(EndpointSettings)))
    write(args.json, found)
    print(as_text(found))


def run_scale(args: argparse.Namespace, settings: Settings) -> None:
    from eval.suites.index_scale import measure_scale
    from rag.core.sections import ModelSettings
    from rag.models.device import choose_device
    from rag.models.resolve import find_model

    models = settings.section(ModelSettings)
    sizes = [int(size) for size in args.chunks.split(",")]
    write(
        args.json,
        measure_scale(find_model(models.embedder, models.hub), choose_device(models.device)[0], sizes, args.folder),
    )


def run_speed(args: argparse.Namespace, settings: Settings) -> None:
    from eval.runs.questions import read_questions
    from eval.suites.answer_speed import as_lines, measure_speed
    from rag.factory import live_adapter

    found = measure_speed(
        settings, args.index, read_questions(args.corpus / "gold.jsonl", args.sample, 0), args.adapter or live_adapter()
    )
    write(args.json, found)
    print(as_lines(found))


def run_followup(args: argparse.Namespace, settings: Settings) -> None:
    from eval.suites.followup import as_lines, measure_followups
    from rag.factory import open_retriever

    found = measure_followups(open_retriever(settings, args.index))
    write(args.json, found)
    print(as_lines(found))


def run_attacks(args: argparse.Namespace, settings: Settings) -> None:
    from eval.suites.attacks import as_lines, generators_by_default, measure_attacks

    generators = parse_generators(args.generators, args.adapter) if args.generators else generators_by_default(settings)
    found = measure_attacks(settings, args.corpus, generators)
    write(args.json, found)
    print(as_lines(found))
