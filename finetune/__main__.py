"""python -m finetune: mine triplets from the indexed corpus, train generator, embedder and cross-encoder on them, promote."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from finetune.cli.experiments import add_measuring
from finetune.cli.human import add_people
from finetune.cli.shipped import add_shipped
from finetune.generator.configured_base import configured_base
from finetune.settings import SECTIONS
from rag.cli.shell import exit_status, load_settings
from rag.core.settings import Settings

EXAMPLES = """examples:
  python -m finetune train              mine, SFT, DPO, embedder, cross-encoder, with an estimate first
  python -m finetune train --resume     go on after a kill
  python -m finetune train --minutes 90 more spans, where the machine is slow
  python -m finetune mine --run trial   one stage, in a run of its own
  python -m finetune --set sft.epochs=3 sft
  python -m finetune --set sft.method=dora train
  python -m finetune --set mine.teacher=http://127.0.0.1:8080/v1 --set endpoint.model=NAME mine
  python -m finetune import questions.csv asked.jsonl    people's questions join the mined ones
  python -m finetune review --sample 50  look at 50 rows: keep, mend, drop
  python -m finetune against-people BENCH OTHER --writer DIR    what mined rows teach, against as many of people's
  python -m finetune lineage board/minutes-2025-03.md    the rows and adapters that a document has taught
"""


# What is made from a stage, and judged with it: done anew, it takes them along, lest they pass for this one's. (Of DPO, embedder and cross-encoder take only
# what misled the generator before; that stays as it was.)
RESTS_ON = {
    "mine": ("sft", "dpo", "corpus-embedder", "corpus-reranker", "dev", "attribution"),
    "sft": ("dpo", "dev", "attribution"),
    "dpo": ("dev", "attribution"),
    "corpus-embedder": ("attribution",),
    "corpus-reranker": ("attribution",),
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "python -m finetune", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument(
        "--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would"
    )
    commands = top.add_subparsers(required=True, metavar="STAGE")
    for name, work, text in (
        ("train", run_train, "mine, SFT, DPO, embedder and cross-encoder in order"),
        ("mine", run_mine, "questions, contexts and labels from the index"),
        ("sft", run_sft, "QLoRA on the mined rows; passages are read once unless sft.method says otherwise"),
        ("dpo", run_dpo, "preference pairs, then DPO on from the SFT adapter"),
        ("corpus-embedder", run_corpus_embedder, "train the embedder on the mined rows"),
        (
            "corpus-reranker",
            run_corpus_reranker,
            "train the cross-encoder on with the mined rows and what the retriever confuses them with",
        ),
        ("promote", run_promote, "make live what its evaluation says is better"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--run", default="default", help="name of the run, a folder under var/runs (default %(default)s)"
        )
        command.add_argument(
            "--index",
            type=Path,
            default=Path("var/index"),
            metavar="DIR",
            help="the index to mine (default %(default)s)",
        )
        command.add_argument(
            "--resume", action="store_true", help="keep finished stages, go on from the last checkpoint"
        )
        command.set_defaults(work=work)
    minutes = "mine fewer spans where all would take longer, a fifth of them at least (default %(default)s)"
    commands.choices["train"].add_argument("--minutes", type=float, default=40, help=minutes)
    add_people(commands)
    add_measuring(commands)
    merged = commands.add_parser("merge", help="write base and adapter as one model, if it still says the same")
    merged.add_argument("adapter", type=Path)
    merged.add_argument("out", type=Path, help="folder to write; then --set model.generator=FOLDER")
    merged.add_argument(
        "--run", default="default", help="the run whose development rows are asked (default %(default)s)"
    )
    merged.set_defaults(work=run_merge)
    add_shipped(commands)
    return top


def run_train(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.time_budget import within
    from rag.core.run_folder import Stage

    start = time.perf_counter()
    if not args.resume:
        for name in ("mine", *RESTS_ON["mine"]):
            Stage(args.run, name).clear()
    settings = within(settings, args.index, args.minutes, args.run)
    for work in (run_mine, run_sft, run_dpo, run_corpus_embedder, run_corpus_reranker):
        work(args, settings)
    print(f"trained in {(time.perf_counter() - start) / 60:.1f} min")


def run_mine(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.mining.mine import mine
    from finetune.mining.round_trip import open_round_trip
    from finetune.mining.teacher import Teacher, open_teacher
    from finetune.settings import MineSettings
    from finetune.shipped.question_writer import open_writer
    from rag.core.sections import EndpointSettings
    from rag.factory import open_retriever
    from rag.models.device import choose_device

    stage = _begin(args, "mine")
    if stage is None:
        return
    model, device, _ = configured_base(settings)
    mining = settings.section(MineSettings)
    endpoint = settings.section(EndpointSettings)
    writer = (
        open_teacher(mining.teacher, mining.teacher_answers, endpoint, model)
        if mining.teacher
        else open_writer(model, *choose_device(device))
    )
    mine(
        stage,
        open_retriever(settings, args.index),
        writer,
        open_round_trip(settings) if mining.checked else None,
        model.digest,
        mining,
    )
    receipt = stage.result()
    print(f"kept {receipt['kept']}\nrejected {receipt['rejected']}")
    if isinstance(writer, Teacher):
        print(f"teacher: {writer.endpoint.usage()}")


def run_sft(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.generator.sft import train_sft
    from finetune.settings import SftSettings
    from rag.core.run_folder import Stage

    stage = _begin(args, "sft")
    if stage:
        train_sft(
            stage,
            Stage(args.run, "mine"),
            *configured_base(settings),
            settings.section(SftSettings),
            args.resume,
            _prefix(settings),
        )


def run_dpo(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.generator.dpo import write_preference_pairs, train_dpo
    from finetune.settings import DpoSettings
    from rag.core.run_folder import Stage
    from rag.core.sections import AnswerSettings
    from rag.factory import open_generator

    stage = _begin(args, "dpo")
    if stage is None:
        return
    mined, sft, dpo = Stage(args.run, "mine"), Stage(args.run, "sft"), settings.section(DpoSettings)
    generator = open_generator(settings, sft.folder / "adapter")
    write_preference_pairs(stage, mined, generator, dpo, settings.section(AnswerSettings))
    del generator
    model, device, _ = configured_base(settings)
    train_dpo(stage, sft, mined, model, device, dpo, args.resume, _prefix(settings))


def run_corpus_embedder(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.retriever.embedder import NAME, can_be_trained, train_corpus_embedder

    stage = _begin(args, NAME) if can_be_trained(settings) else None
    if stage:
        train_corpus_embedder(stage, settings, args.index)


def run_corpus_reranker(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.retriever.cross_encoder import NAME, has_base, train_corpus_cross_encoder

    stage = _begin(args, NAME) if has_base(settings) else None
    if stage:
        train_corpus_cross_encoder(stage, settings, args.index)


def run_merge(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data.rows import read_rows
    from finetune.generator.merge import merge_adapter
    from rag.core.run_folder import Stage
    from rag.core.sections import AnswerSettings

    mined = Stage(args.run, "mine")
    mined.result()
    rows = read_rows(mined.folder / "dev.jsonl")
    model, device, _ = configured_base(settings)
    apart = merge_adapter(
        args.adapter, model, device, rows, args.out, settings.section(AnswerSettings).max_new_tokens
    )
    print(
        f"{args.out}: {apart:.1%} of {len(rows)} answers differ from the adapter's; use it with --set model.generator={args.out}"
    )


def run_promote(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.promote import promote_run
    from rag.core.run_folder import Stage

    promote_run(Stage(args.run, "attribution"), settings, args.index)


def _prefix(settings: Settings):
    from rag.core.sections import PrefixSettings

    return settings.section(PrefixSettings)


def _begin(args: argparse.Namespace, name: str):
    """-> the stage to do, emptied with what rests on it unless resuming; None when it has finished and --resume says to keep it."""
    from rag.core.run_folder import Stage

    stage = Stage(args.run, name)
    if args.resume and stage.finished:
        print(f"{name}: finished before, kept")
        return None
    if not args.resume:
        for each in (name, *RESTS_ON[name]):
            Stage(args.run, each).clear()
    print(f"--- {name}", flush=True)
    return stage


if __name__ == "__main__":
    args = parser().parse_args()
    sys.exit(exit_status(lambda: args.work(args, load_settings(args.set, SECTIONS))))
