"""The commands by which people's questions and judgements come into a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rag.core.settings import Settings


def add_people(commands: Any) -> None:
    """Add them to the parser's commands."""
    imported = commands.add_parser(
        "import", help="people's questions with answers, or the log of `rag ask --log`, become rows of the run"
    )
    imported.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="CSV or JSON lines: question, answer or answers, document where it is known",
    )
    imported.add_argument("--run", default="default", help="the run that they join (default %(default)s)")
    imported.add_argument(
        "--index",
        type=Path,
        default=Path("var/index"),
        metavar="DIR",
        help="the index that answers (default %(default)s)",
    )
    imported.set_defaults(work=run_import)
    traced = commands.add_parser("lineage", help="which rows and adapters a document has taught, in any run")
    traced.add_argument("document", help="its name, as rag documents lists it or listed it before it was removed")
    traced.add_argument("--json", action="store_true", help="the same as data")
    traced.set_defaults(work=run_lineage)
    judged = commands.add_parser(
        "review", help="look at rows of a run and keep, mend or drop them; training goes by it"
    )
    judged.add_argument("--run", default="default", help="(default %(default)s)")
    judged.add_argument(
        "--sample", type=int, metavar="N", help="stop after N rows, those judged before among them (default: all)"
    )
    judged.set_defaults(work=run_review)


def run_import(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.human.import_questions import import_file
    from finetune.settings import MineSettings
    from rag.core.errors import TrainingError
    from rag.factory import open_retriever

    if len({path.name for path in args.files}) < len(args.files):
        raise TrainingError("two files have the same name: rename one")
    retriever, reach = open_retriever(settings, args.index), settings.section(MineSettings).reach
    for path in args.files:
        stage = import_file(path, args.run, retriever, reach)
        made = stage.result()
        print(f"{path}: kept {made['kept']}, rejected {made['rejected']}; {stage.folder}")


def run_review(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data.training_set import verdicts_file
    from finetune.human.review import review

    print(
        f"{review(args.run, args.sample)}\nverdicts: {verdicts_file(args.run)}; they count from the next python -m finetune sft on"
    )


def run_lineage(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data.lineage import lineage_report

    print(lineage_report(args.document, args.json))
