"""The commands that compare methods of training."""

from __future__ import annotations

import argparse

from finetune.generator.configured_base import configured_base
from rag.core.settings import Settings
from rag.models.adapter_methods import METHODS, methods_table


def run_speed(args: argparse.Namespace, settings: Settings) -> None:
    """Time training on cached passages against TRL, on the same mined rows."""
    from finetune.data.rows import read_rows
    from finetune.experiments.training_speed import as_json, time_training
    from rag.core.jsonl import write_lines
    from rag.core.run_folder import Stage
    from rag.core.sections import PrefixSettings

    mined = Stage(args.run, "mine")
    mined.result()
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    train, dev = train[: args.rows], dev[: max(2, args.rows // 4)]
    model, device, precision = configured_base(settings)
    prefix = settings.section(PrefixSettings)
    timings = time_training(model, device, precision, train, dev, args.epochs, prefix)
    result = as_json(timings, {"model": model.name, "device": device, "precision": precision})
    write_lines(args.json, [result])
    print(f"times faster: {result['times_faster']}; {args.json}")


def run_methods(args: argparse.Namespace, settings: Settings) -> None:
    """Print the registry of methods, or train a few steps with every one, on the same mined rows."""
    if args.list:
        print(methods_table())
        return
    from finetune.data.rows import read_rows
    from finetune.experiments.compare_methods import Comparison, compare_methods
    from finetune.experiments.perplexity import other_text
    from rag.core.jsonl import write_lines
    from rag.core.run_folder import Stage

    mined = Stage(args.run, "mine")
    mined.result()
    train, dev = (read_rows(mined.folder / f"{name}.jsonl") for name in ("train", "dev"))
    rows = train[: args.rows], dev[: args.dev]
    comparison = Comparison(*configured_base(settings), *rows, args.steps, args.batch, other_text(args.text))
    write_lines(args.json, compare_methods(comparison, args.method or [*METHODS]))


def run_against_people(args: argparse.Namespace, settings: Settings) -> None:
    """Compare what mined rows teach the base with what as many of people's questions teach it."""
    from finetune.experiments.mined_vs_human import MINED, PEOPLE, Comparison, comparison_run
    from finetune.experiments.mined_vs_human_table import as_text, compare, stack_predictions
    from finetune.mining.round_trip import open_round_trip
    from finetune.shipped.question_writer import open_writer
    from rag.core.errors import TrainingError
    from rag.core.jsonl import write_lines
    from rag.core.sections import AnswerSettings
    from rag.models.device import choose_device

    model, device, _ = configured_base(settings)
    writer = open_writer(model, *choose_device(device), args.writer)
    if not writer.adapter:
        remedy = f"python -m finetune writer {args.other} --out {args.writer}"
        raise TrainingError(f"{args.writer} is no question writer for this base: {remedy}")
    run = comparison_run(settings, args.bench, args.other, args.writer, args.sample)
    comparison = Comparison(settings, args.bench, args.other, run, args.sample)
    round_trip = open_round_trip(settings)
    stages = [comparison.mine_rows(writer, round_trip, seed) for seed in range(args.trainings)]
    del writer, round_trip
    mined, people = (
        stack_predictions([comparison.predict_tuned(kind, stage, seed) for seed, stage in enumerate(stages)])
        for kind in (MINED, PEOPLE)
    )
    base = stack_predictions([comparison.predict_base()])
    rows = compare(mined, people, base, settings.section(AnswerSettings).least)
    answerable = sum(bool(question.answers) for question in comparison.questions)
    unanswerable = len(comparison.questions) - answerable
    result = {
        "answerable": answerable,
        "unanswerable": unanswerable,
        "trainings": args.trainings,
        "kept": [stage.result()["kept"] for stage in stages],
        "measures": rows,
    }
    write_lines(args.json, [result])
    counts = f"{answerable} answerable questions, {unanswerable} others, {args.trainings} trainings of each kind"
    print(f"{counts}; {args.json}\n{as_text(rows)}")
