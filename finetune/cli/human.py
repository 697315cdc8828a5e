"""The commands by which people's questions and judgements come into a run, and that tell what a document has taught."""

from __future__ import annotations

import argparse

from rag.core.settings import Settings


def run_import(args: argparse.Namespace, settings: Settings) -> None:
    """Import people's questions as rows of the run."""
    from finetune.human.import_questions import import_file
    from finetune.human.import_report import import_report
    from finetune.settings import MineSettings
    from rag.core.errors import TrainingError
    from rag.factory import open_retriever
    from rag.labels.label_file import read_label_file

    if len({path.name for path in args.files}) < len(args.files):
        raise TrainingError("two files have the same name: rename one")
    files = [read_label_file(path) for path in args.files]  # all before the first is imported, and before models load
    retriever, reach = open_retriever(settings, args.index), settings.section(MineSettings).reach
    for labels in files:
        print(import_report(labels, import_file(labels, args.run, retriever, reach)))


def run_review(args: argparse.Namespace, settings: Settings) -> None:
    """Show rows to a person, who keeps, mends or drops them."""
    from finetune.cli.stages import take_feedback_of
    from finetune.data.verdicts import verdicts_file
    from finetune.human.review import review

    take_feedback_of(args.run, settings, args.index)
    estimate = review(args.run, args.sample)
    print(f"{estimate}\nverdicts: {verdicts_file(args.run)}; they count from the next python -m finetune sft on")


def run_lineage(args: argparse.Namespace, settings: Settings) -> None:
    """Print the rows and adapters that a document has taught."""
    from finetune.data.lineage import lineage_report

    print(lineage_report(args.document, args.json, args.index))
