"""The commands that measure ways of training against each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from finetune.generator.configured_base import configured_base
from rag.core.settings import Settings


def add_measuring(commands: Any) -> None:
    """Add them to the parser's commands."""
    timed = commands.add_parser("speed", help="time both ways of training on the same mined rows")
    timed.add_argument("--run", default="default", help="the run whose mined rows are trained on (default %(default)s)")
    timed.add_argument("--rows", type=int, default=16, help="rows, and pairs (default %(default)s)")
    timed.add_argument("--epochs", type=int, default=4, help="(default %(default)s)")
    timed.add_argument(
        "--json", type=Path, default=Path("var/runs/speed.json"), metavar="FILE", help="(default %(default)s)"
    )
    timed.set_defaults(work=run_speed)
    methods = commands.add_parser(
        "methods", help="train a few steps with every method of fine-tuning, on the same mined rows"
    )
    methods.add_argument(
        "--run", default="default", help="the run whose mined rows are trained on (default %(default)s)"
    )
    methods.add_argument("--steps", type=int, default=30, help="(default %(default)s)")
    methods.add_argument("--dev", type=int, default=24, help="development rows (default %(default)s)")
    methods.add_argument(
        "--json", type=Path, default=Path("var/runs/methods.json"), metavar="FILE", help="(default %(default)s)"
    )
    methods.set_defaults(work=run_methods)
    about = "what mined rows alone teach the base, against as many of people's about other documents; the same command goes on after a kill"
    taught = commands.add_parser("against-people", help=about)
    taught.add_argument(
        "bench",
        type=Path,
        help="folder with documents/ to mine, and questions.jsonl: those about documents left out of training are asked",
    )
    taught.add_argument(
        "other", type=Path, help="folder with documents/ and the questions.jsonl that people's rows are made of"
    )
    taught.add_argument(
        "--writer",
        type=Path,
        required=True,
        metavar="DIR",
        help="that never saw the bench: python -m finetune writer OTHER --out DIR",
    )
    taught.add_argument(
        "--trainings",
        type=int,
        default=2,
        help="of each kind, on other spans and questions each time (default %(default)s)",
    )
    taught.add_argument(
        "--sample",
        type=int,
        default=160,
        metavar="N",
        help="answerable questions asked, and unanswerable ones, at most (default %(default)s)",
    )
    taught.add_argument(
        "--json", type=Path, default=Path("var/runs/against-people.json"), metavar="FILE", help="(default %(default)s)"
    )
    taught.set_defaults(work=run_against_people)


def run_speed(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data.rows import read_rows
    from finetune.experiments.training_speed import HEADER, as_json, speed
    from rag.core.jsonl import write_lines
    from rag.core.run_folder import Stage
    from rag.core.sections import PrefixSettings

    mined = Stage(args.run, "mine")
    mined.result()
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    model, device, precision = configured_base(settings)
    print(HEADER, flush=True)
    prefix = settings.section(PrefixSettings)
    found = speed(model, device, precision, train[: args.rows], dev[: max(2, args.rows // 4)], args.epochs, prefix)
    told = as_json(found, {"model": model.name, "device": device, "precision": precision})
    write_lines(args.json, [told])
    print(f"times faster: {told['times_faster']}; {args.json}")


def run_methods(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data.rows import read_rows
    from finetune.experiments.compare_methods import HEADER, compare_methods
    from rag.core.jsonl import write_lines
    from rag.core.run_folder import Stage

    mined = Stage(args.run, "mine")
    mined.result()
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    print(HEADER, flush=True)
    write_lines(args.json, compare_methods(*configured_base(settings), train, dev[: args.dev], args.steps))


def _basis(args: argparse.Namespace, settings: Settings) -> str:
    """-> what a comparison depends on, but for the rules of mining, as 12 hex digits: both benches, writer, settings, sample, and what ships."""
    from finetune.shipped.span_proposals import proposal_files
    from rag.answering.span_selector import SHIPPED as CHOOSER
    from rag.core.jsonl import digest_of
    from rag.models.cross_encoder import SHIPPED as RERANKER
    from rag.models.weight_delta import DELTA_FILE

    documents = [
        file
        for bench in (args.bench, args.other)
        for file in sorted((bench / "documents").rglob("*"))
        if file.is_file()
    ]
    questions = [bench / "questions.jsonl" for bench in (args.bench, args.other)]
    shipped = [*proposal_files(), CHOOSER, RERANKER / DELTA_FILE]
    return digest_of(
        [str(args.sample), *settings.overrides],
        [args.writer / "adapter_model.safetensors", *questions, *documents, *shipped],
    )


def run_against_people(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.experiments.mined_vs_human import MINED, PEOPLE, Teaching
    from finetune.experiments.mined_vs_human_table import as_text, heard, table
    from finetune.mining.round_trip import open_round_trip
    from finetune.shipped.question_writer import open_writer
    from rag.core.errors import TrainingError
    from rag.core.jsonl import write_lines
    from rag.core.run_folder import as_run_name
    from rag.core.sections import AnswerSettings
    from rag.models.device import choose_device

    model, device, _ = configured_base(settings)
    writer = open_writer(model, *choose_device(device), args.writer)
    if not writer.adapter:
        raise TrainingError(
            f"{args.writer} is no question writer for this base: python -m finetune writer {args.other} --out {args.writer}"
        )
    run = as_run_name(f"against-people-{args.bench.resolve().name}-{_basis(args, settings)}")
    teaching = Teaching(settings, args.bench, args.other, run, args.sample)
    round_trip = open_round_trip(settings)
    mined = [teaching.mined(writer, round_trip, seed) for seed in range(args.trainings)]
    del writer, round_trip
    told = {
        who: heard([teaching.tell(who, stage, seed) for seed, stage in enumerate(mined)]) for who in (MINED, PEOPLE)
    }
    rows = table(
        told[MINED], told[PEOPLE], heard([teaching.tell_base()]), settings.section(AnswerSettings).least
    )
    asked = sum(bool(each.answers) for each in teaching.asked)
    kept = [stage.result()["kept"] for stage in mined]
    write_lines(
        args.json,
        [
            {
                "answerable": asked,
                "unanswerable": len(teaching.asked) - asked,
                "trainings": args.trainings,
                "kept": kept,
                "measures": rows,
            }
        ],
    )
    print(
        f"{asked} answerable questions, {len(teaching.asked) - asked} others, {args.trainings} trainings of each kind; {args.json}\n{as_text(rows)}"
    )
