"""python -m finetune: mine triplets from the indexed corpus, SFT, DPO, promote."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from finetune.base import base_of
from finetune.measure_commands import add_measures
from finetune.row_commands import add_row_commands, label_again
from finetune.shipped import add_shipped
from rag.cli import guarded, load_settings
from rag.settings import Settings

EXAMPLES = """examples:
  python -m finetune train              mine, SFT, DPO, with an estimate first
  python -m finetune train --resume     go on after a kill
  python -m finetune mine --run trial   one stage, in a run of its own
  python -m finetune import faq.csv     people's questions and answers join the mined rows
  python -m finetune review --sample 50 keep, mend or drop 50 rows; how many of the rest are good
  python -m finetune lineage board/minutes-2025-03.md
  python -m finetune --set sft.epochs=3 sft
  python -m finetune --set sft.method=dora train
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m finetune", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would")
    commands = top.add_subparsers(required=True, metavar="STAGE")
    for name, work, text in (
        ("train", run_train, "mine, SFT and DPO in order"),
        ("mine", run_mine, "questions, contexts and labels from the index"),
        ("sft", run_sft, "QLoRA on the run's rows, mined and imported; passages are read once unless sft.method says otherwise"),
        ("dpo", run_dpo, "preference pairs, then DPO on from the SFT adapter"),
        ("promote", run_promote, "make the adapter live if its evaluation says it is better"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--run", default="default", help="name of the run, a folder under var/runs (default %(default)s)")
        command.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="the index to mine (default %(default)s)")
        command.add_argument("--resume", action="store_true", help="keep finished stages, go on from the last checkpoint")
        command.set_defaults(work=work)
    add_row_commands(commands)
    add_measures(commands)
    merged = commands.add_parser("merge", help="write base and adapter as one model, if it still says the same")
    merged.add_argument("adapter", type=Path)
    merged.add_argument("out", type=Path, help="folder to write; then --set model.generator=FOLDER")
    merged.add_argument("--run", default="default", help="the run whose development rows are asked (default %(default)s)")
    merged.set_defaults(work=run_merge)
    add_shipped(commands)
    return top


def run_train(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage

    start = time.perf_counter()
    if not args.resume:
        for name in ("mine", "sft", "dpo", "dev"):  # what an earlier run left must not pass for this one's after a kill
            Stage(args.run, name).clear()
    print_estimate(settings)
    for work in (run_mine, run_sft, run_dpo):
        work(args, settings)
    print(f"trained in {(time.perf_counter() - start) / 60:.1f} min")


def print_estimate(settings: Settings) -> None:
    from finetune.dpo import DpoSettings
    from finetune.estimate import measure, plan
    from finetune.mine import MineSettings
    from finetune.sft import SftSettings

    model, device, precision = base_of(settings)
    sft, dpo = settings.section("sft", SftSettings), settings.section("dpo", DpoSettings)
    cost = measure(model, device, precision, sft)
    stages = plan(cost, settings.section("mine", MineSettings).candidates, sft.epochs, dpo.pairs, dpo.epochs, sft.method)
    parts = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in stages.items())
    print(f"training {model.name} on {device} in {precision}; estimate: {sum(stages.values()) / 60:.0f} min ({parts})", flush=True)


def run_mine(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.mine import MineSettings, mine
    from finetune.writer import open_writer
    from rag.models import choose_device
    from rag.pipeline import open_retriever

    stage = _begin(args, "mine")
    if stage is None:
        return
    model, device, _ = base_of(settings)
    writer = open_writer(model, *choose_device(device))
    retriever = open_retriever(settings, args.index)
    mine(stage, retriever, writer, model.digest, settings.section("mine", MineSettings))
    receipt = stage.receipt()
    print(f"kept {receipt['kept']}\nrejected {receipt['rejected']}")
    label_again(args.run, retriever)


def run_sft(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage
    from finetune.sft import SftSettings, train_sft

    stage = _begin(args, "sft")
    if stage:
        train_sft(stage, Stage(args.run, "mine"), *base_of(settings), settings.section("sft", SftSettings), args.resume, _prefix(settings))


def run_dpo(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage
    from finetune.dpo import DpoSettings, pair_up, train_dpo
    from rag.answerer import AnswerSettings
    from rag.pipeline import open_generator

    stage = _begin(args, "dpo")
    if stage is None:
        return
    mined, sft, dpo = Stage(args.run, "mine"), Stage(args.run, "sft"), settings.section("dpo", DpoSettings)
    generator = open_generator(settings, sft.folder / "adapter")
    pair_up(stage, sft, generator, dpo, settings.section("answer", AnswerSettings).max_new_tokens)
    del generator
    model, device, _ = base_of(settings)
    train_dpo(stage, sft, mined, model, device, dpo, args.resume, _prefix(settings))


def run_merge(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage, read_rows
    from finetune.merge import merge
    from rag.answerer import AnswerSettings

    mined = Stage(args.run, "mine")
    mined.receipt()
    rows = read_rows(mined.folder / "dev.jsonl")
    model, device, _ = base_of(settings)
    apart = merge(args.adapter, model, device, rows, args.out, settings.section("answer", AnswerSettings).max_new_tokens)
    print(f"{args.out}: {apart:.1%} of {len(rows)} answers differ from the adapter's; use it with --set model.generator={args.out}")


def run_promote(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data import Stage
    from finetune.promote import promote

    promote(Stage(args.run, "dev"))


def _prefix(settings: Settings):
    from rag.prefix import PrefixSettings

    return settings.section("prefix", PrefixSettings)


def _begin(args: argparse.Namespace, name: str):
    """-> the stage to do, emptied unless resuming; None when it has finished and --resume says to keep it."""
    from finetune.data import Stage

    stage = Stage(args.run, name)
    if args.resume and stage.finished:
        print(f"{name}: finished before, kept")
        return None
    if not args.resume:
        stage.clear()
    print(f"--- {name}", flush=True)
    return stage


if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(guarded(lambda: args.work(args, load_settings(args.set))))
