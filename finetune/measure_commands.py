"""The commands that measure training on a run's mined rows: speed, methods."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from finetune.base import base_of
from rag.settings import Settings


def add_measures(commands: Any) -> None:
    """Add them to the parser's commands."""
    timed = commands.add_parser("speed", help="time both ways of training on the same mined rows")
    timed.add_argument("--run", default="default", help="the run whose mined rows are trained on (default %(default)s)")
    timed.add_argument("--rows", type=int, default=16, help="rows, and pairs (default %(default)s)")
    timed.add_argument("--epochs", type=int, default=4, help="(default %(default)s)")
    timed.add_argument("--json", type=Path, default=Path("var/runs/speed.json"), metavar="FILE", help="(default %(default)s)")
    timed.set_defaults(work=run_speed)
    table = commands.add_parser("methods", help="train a few steps with every method of fine-tuning, on the same mined rows")
    table.add_argument("--run", default="default", help="the run whose mined rows are trained on (default %(default)s)")
    table.add_argument("--steps", type=int, default=30, help="(default %(default)s)")
    table.add_argument("--dev", type=int, default=24, help="development rows (default %(default)s)")
    table.add_argument("--json", type=Path, default=Path("var/runs/methods.json"), metavar="FILE", help="(default %(default)s)")
    table.set_defaults(work=run_methods)


def run_speed(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage, read_rows, write_lines
    from finetune.speed import HEADER, as_json, speed
    from rag.prefix import PrefixSettings

    mined = Stage(args.run, "mine")
    mined.receipt()
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    model, device, precision = base_of(settings)
    print(HEADER, flush=True)
    found = speed(model, device, precision, train[: args.rows], dev[: max(2, args.rows // 4)], args.epochs, settings.section("prefix", PrefixSettings))
    told = as_json(found, {"model": model.name, "device": device, "precision": precision})
    write_lines(args.json, [told])
    print(f"times faster: {told['times_faster']}; {args.json}")


def run_methods(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage, read_rows, write_lines
    from finetune.method_table import HEADER, compare_methods

    mined = Stage(args.run, "mine")
    mined.receipt()
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    print(HEADER, flush=True)
    write_lines(args.json, compare_methods(*base_of(settings), train, dev[: args.dev], args.steps))
