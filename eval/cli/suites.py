"""The commands that measure one part of the system, or the system beside others."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.cli.output import show
from rag.core.settings import Settings


def run_retrieval(args: argparse.Namespace, settings: Settings) -> None:
    """Compare the orders of passages that searches, fusion and rerankers give."""
    from eval.runs.benches import index_bench, open_bench, open_gold
    from eval.suites.retrieval import as_text, compare_orders

    drawn = args.sample, args.seed
    if args.folder:
        bench = open_bench(args.folder, settings, None, *drawn, args.held_out)
    else:
        bench = open_gold(Path("corpus"), *drawn)
    name = args.folder.resolve().name + " (held out)" * args.held_out if args.folder else "gold"
    index_bench(bench, settings)
    found = compare_orders(settings, bench.index, name, bench.questions, args.embedder, args.reranker)
    show(args.json, found, as_text(found))


def run_agreement(args: argparse.Namespace, settings: Settings) -> None:
    """Compare the groundedness check with labelled answers."""
    from eval.metrics.groundedness import open_support_model
    from eval.suites.agreement import as_text, measure_agreement

    found = measure_agreement(open_support_model(settings))
    show(args.json, found, as_text(found))


def run_pdf_readers(args: argparse.Namespace, settings: Settings) -> None:
    """Compare the PDF readers that are installed on layouts whose right reading is known."""
    from eval.suites.pdf_readers import as_text, compare

    found = compare(args.only)
    show(args.json, found, as_text(found))


def run_peer(args: argparse.Namespace, settings: Settings) -> None:
    """Ask a model behind an endpoint the questions of a finished run."""
    from eval.report.report import as_text
    from eval.runs.peer import ask_peer
    from rag.core.sections import EndpointSettings
    from rag.generation.chat_endpoint import Endpoint

    found = ask_peer(settings, args.run, Endpoint(args.url, settings.section(EndpointSettings)))
    show(args.json, found, as_text(found))


def run_scale(args: argparse.Namespace, settings: Settings) -> None:
    """Time the index at the given numbers of chunks; lines are printed as they are measured."""
    from eval.suites.index_scale import measure_scale
    from rag.core.jsonl import write_json
    from rag.core.sections import ModelSettings
    from rag.models.device import choose_device
    from rag.models.resolve import find_model

    models = settings.section(ModelSettings)
    embedder, device = find_model(models.embedder, models.hub), choose_device(models.device)[0]
    found = measure_scale(embedder, device, args.chunks, args.folder)
    if args.json:
        write_json(args.json, found)


def run_speed(args: argparse.Namespace, settings: Settings) -> None:
    """Time answers beside other engines."""
    from eval.runs.questions import read_questions
    from eval.suites.answer_speed import as_text, measure_speed
    from rag.factory import live_adapter

    questions = read_questions(args.corpus / "gold.jsonl", args.sample, 0)
    found = measure_speed(settings, args.index, questions, args.adapter or live_adapter(args.index))
    show(args.json, found, as_text(found))


def run_followup(args: argparse.Namespace, settings: Settings) -> None:
    """Compare the recall of follow-up questions as asked and as rewritten."""
    from eval.suites.followup import as_text, measure_followups
    from rag.factory import open_retriever

    found = measure_followups(open_retriever(settings, args.index))
    show(args.json, found, as_text(found))


def run_attacks(args: argparse.Namespace, settings: Settings) -> None:
    """Count the documents whose instructions are followed."""
    from eval.runs.generators import parse_generators
    from eval.suites.attacks import as_text, default_generators, measure_attacks

    named = parse_generators(args.generators, args.adapter) if args.generators else default_generators(settings)
    found = measure_attacks(settings, args.corpus, named)
    show(args.json, found, as_text(found))


def run_lookups(args: argparse.Namespace, settings: Settings) -> None:
    """Ask for cells of tables, and count wrong ones."""
    from eval.suites.lookups import as_text, measure_lookups

    found = measure_lookups(settings, args.folder)
    show(args.json, found, as_text(found))


def run_manuals(args: argparse.Namespace, settings: Settings) -> None:
    """Ask the questions about real manuals."""
    from eval.suites.manuals import as_text, measure_manuals

    found = measure_manuals(settings, args.folder)
    show(args.json, found, as_text(found))


def run_kinds(args: argparse.Namespace, settings: Settings) -> None:
    """Ask for lists, yes or no, steps, comparisons and differences."""
    from eval.suites.answer_kinds import as_text, measure_kinds

    found = measure_kinds(settings, args.corpus)
    show(args.json, found, as_text(found))


def run_faults(args: argparse.Namespace, settings: Settings) -> None:
    """Kill, starve and damage every stage, and see that it says so and goes on."""
    from eval.suites.faults.table import as_text, try_faults

    found = try_faults(args.folder, args.corpus, args.kills, args.times, args.only)
    show(args.json, found, as_text(found))


def run_fuzz(args: argparse.Namespace, settings: Settings) -> None:
    """Give broken input to everything that reads what others have made."""
    from eval.suites.fuzz.table import as_text, fuzz_all

    found = fuzz_all(args.inputs, args.seconds, args.first, args.only)
    show(args.json, found, as_text(found))


def run_splits(args: argparse.Namespace, settings: Settings) -> None:
    """Simulate splits of which the truth is known."""
    from eval.suites.splits import as_text, measure_splits

    found = measure_splits(args.runs)
    show(args.json, found, as_text(found))
