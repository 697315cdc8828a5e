"""The commands that ask generators questions, or compare and score what was answered."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from eval.cli.output import show
from rag.core.settings import Settings

if TYPE_CHECKING:
    from eval.runs.benches import Bench


def run_gold(args: argparse.Namespace, settings: Settings) -> None:
    """Evaluate generators on the corpus's gold questions."""
    from eval.runs.benches import open_gold
    from eval.runs.generators import parse_generators

    generators = parse_generators(args.generators, args.adapter)
    _evaluate(args, settings, open_gold(args.corpus, args.sample, args.seed), generators)


def run_bench(args: argparse.Namespace, settings: Settings) -> None:
    """Evaluate generators on questions about a folder, after training on its documents where that is asked for."""
    from eval.runs.benches import index_bench, open_bench, train_on_bench
    from eval.runs.generators import newest_adapter, parse_generators

    bench = open_bench(args.folder, settings, args.questions, args.sample, args.seed, args.held_out)
    adapter = args.adapter
    if args.train:
        index_bench(bench, settings)
        train_on_bench(bench.folder, args.set or [])
        adapter = adapter or newest_adapter(bench.folder.name)
    _evaluate(args, settings, bench, parse_generators(args.generators, adapter))


def _evaluate(args: argparse.Namespace, settings: Settings, bench: Bench, generators: dict[str, Path | None]) -> None:
    """Check the questions for leaks before anything is embedded, then index the documents and ask."""
    from eval.report.report import as_text, write_report
    from eval.runs.benches import index_bench
    from eval.runs.evaluate import Task, evaluate
    from eval.runs.leakage import document_parts, without_leaks

    adapters = {name: adapter for name, adapter in generators.items() if adapter}
    questions, notes = without_leaks(bench.questions, adapters, args.leaks)
    last_adapter = next(reversed(adapters.values()), None)
    parts = document_parts(sorted({q.document for q in questions if q.document}), last_adapter)
    predictions = bench.folder / "predictions"
    index_bench(bench, settings)
    task = Task(predictions, bench.index, questions, generators, parts, [*notes, *bench.notes])
    summary = evaluate(settings, task)
    write_report(predictions)
    show(args.json, summary, f"{as_text(summary)}\n\nreport: {predictions / 'report.html'}")


def run_compare(args: argparse.Namespace, settings: Settings) -> None:
    """Compare finished runs, or single files of scored predictions; the first is the baseline."""
    from eval.report.report import as_text
    from eval.runs.compare import compare_runs

    found = compare_runs(args.runs)
    show(args.json, found, as_text(found))


def run_score(args: argparse.Namespace, settings: Settings) -> None:
    """Score predictions that were made elsewhere, and write the file that `compare` reads."""
    from eval.metrics.groundedness import open_support_model
    from eval.report.report import as_text
    from eval.runs.score import score_predictions
    from eval.runs.scored_files import SCORED
    from eval.runs.summary import SUMMARY
    from rag.core.jsonl import write_lines
    from rag.factory import open_embedder

    support, embedder = open_support_model(settings), open_embedder(settings)
    summary, rows = score_predictions(args.file, args.questions, args.documents, support, embedder)
    show(args.json, summary, as_text(summary))
    if not (args.file.parent / SUMMARY).exists():  # the folder of a run has its own scored predictions
        scored = args.file.with_name(f"{args.file.stem}{SCORED}")
        write_lines(scored, rows)
        print(f"\nto compare with another: python -m eval compare {scored} OTHER")


def run_reproduce(args: argparse.Namespace, settings: Settings) -> None:
    """Run the published commands and compare their figures, or write the published tables."""
    from eval.report.published import reproduce
    from eval.report.results import write_tables

    if args.results:
        write_tables()
    else:
        reproduce(args.only)
