"""The commands that look after rows: import, review, lineage."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from typing import Any

from rag.settings import Settings


def add_row_commands(commands: Any) -> None:
    """Add them to the parser's commands."""
    given = commands.add_parser("import", help="people's questions and answers, or the log of `rag ask --log`, join the mined rows of a run")
    given.add_argument("file", type=Path, help="CSV or JSON lines: question, answer or answers (empty: not in the documents), document if known; or a log")
    _add_run(given)
    given.set_defaults(work=run_import)
    judged = commands.add_parser("review", help="look at rows in an order by chance: keep, mend, drop; goes on where it was left")
    judged.add_argument("--sample", type=int, metavar="N", help="look at N rows, those judged before included (default all)")
    _add_run(judged)
    judged.set_defaults(work=run_review)
    traced = commands.add_parser("lineage", help="the rows and adapters that a document taught, in all runs")
    traced.add_argument("document", help="its name, as `rag documents` lists it")
    traced.set_defaults(work=run_lineage)


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", default="default", help="name of the run, a folder under var/runs (default %(default)s)")
    command.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="the index that questions are asked of (default %(default)s)")


def run_import(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.imported import import_file
    from rag.pipeline import open_retriever

    stage = import_file(args.file, args.run, open_retriever(settings, args.index))
    receipt = stage.receipt()
    print(f"kept {receipt['kept']}\nrejected {receipt['rejected']}\n{stage.folder}; they join the mined rows: python -m finetune train --run {args.run}")


def run_review(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage
    from finetune.review import review
    from finetune.taught import gathered_rows
    from finetune.verdicts import read_verdicts
    from rag.pipeline import open_retriever

    mined = Stage(args.run, "mine")
    mined.receipt()
    rows = [row for part in gathered_rows(mined).values() for row in part]
    review(args.run, rows, read_verdicts(args.run), args.sample, input, cache(lambda: open_retriever(settings, args.index)))


def run_lineage(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.lineage import told

    print(told(args.document))


def label_again(run: str, retriever: Any) -> None:
    """Make the rows of all imported files anew, since the index may have changed."""
    from finetune.imported import imports, label_given

    for stage in imports(run):
        print(f"{stage.folder.name}: kept {label_given(stage, retriever)['kept']}")
