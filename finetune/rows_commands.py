"""The commands about the rows that a run learns from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rag.settings import Settings


def add_rows_commands(commands: Any) -> None:
    """Add them to the parser's commands."""
    taken = commands.add_parser("import", help="take people's questions into a run: question-answer files, or the log of rag ask --log", description=IMPORT)
    taken.add_argument("file", type=Path, help="CSV (by its ending) or JSON lines")
    taken.add_argument("--run", default="default", help="the run that is to learn from them (default %(default)s)")
    taken.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="the index that answers them (default %(default)s)")
    taken.set_defaults(work=run_import)
    looked = commands.add_parser("review", help="look at a run's rows: keep, mend or drop each; says how many of the rest are good", description=REVIEW)
    looked.add_argument("--run", default="default", help="(default %(default)s)")
    looked.add_argument("--sample", type=int, default=0, metavar="N", help="rows to be reviewed in all, chosen by chance (default all)")
    looked.set_defaults(work=run_review)
    asked = commands.add_parser("lineage", help="which rows and adapters a document taught, over all runs")
    asked.add_argument("document", help="its name, as rag documents lists it")
    asked.set_defaults(work=run_lineage)


IMPORT = """Each line has question and answer (or answers: a list, in CSV parted by |), and may name its document. An empty answer says that the
documents have none. A line of a log has thumb, "up" or "down", and correction, which replaces the answer. Training takes the rows with the mined ones."""

REVIEW = """Goes on where it was left; each verdict is on disk (review/verdicts.jsonl in the run) before the next row. Training leaves out dropped rows, takes
mended ones as mended, and each reviewed row twice: one that is known to be good teaches as much as two that may be."""


def run_import(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage
    from finetune.importing import STAGE, import_file
    from finetune.mine import MineSettings
    from rag.pipeline import open_retriever

    stage = Stage(args.run, STAGE)
    kinds, reasons = import_file(stage, args.file, open_retriever(settings, args.index), settings.section("mine", MineSettings).reach)
    print(f"kept {dict(kinds)}\nrejected {dict(reasons)}; each with its reason in {stage.folder / 'rejects.jsonl'}")
    print(f"{args.run} has imported {stage.receipt()['kept']} rows, which the next training takes: make train RUN={args.run}")


def run_review(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage
    from finetune.learned import PARTS, gather
    from finetune.review import review

    mined = Stage(args.run, "mine")
    review(args.run, [row for part in PARTS for row in gather(mined, part)], args.sample, input)


def run_lineage(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.lineage import told

    print(told(args.document))
