"""The commands that train on a corpus: each stage of a run, all of them in order, promotion and merging."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.generator.configured_base import configured_base
from finetune.settings import DpoSettings, MineSettings, PreferenceSettings, SftSettings
from rag.core.run_folder import Stage
from rag.core.sections import AnswerSettings, EndpointSettings, PrefixSettings
from rag.core.settings import Settings

if TYPE_CHECKING:
    from finetune.mining.labeling import Searcher

# What depends on a stage. When the stage is done anew, these are removed with it, so that they do not pass for results
# of the new one. Of DPO, embedder and cross-encoder take only what misled the generator before; that stays as it was.
DEPENDENTS = {
    "mine": ("sft", "dpo", "corpus-embedder", "corpus-reranker", "dev", "attribution"),
    "sft": ("dpo", "dev", "attribution"),
    "dpo": ("dev", "attribution"),
    "corpus-embedder": ("attribution",),
    "corpus-reranker": ("attribution",),
}


def run_train(args: argparse.Namespace, settings: Settings) -> None:
    """Estimate the time, then run every stage in order."""
    from finetune.data.training_set import gate_rows
    from finetune.time_budget import plan_run

    start = time.perf_counter()
    if not args.resume:
        for name in ("mine", *DEPENDENTS["mine"]):
            Stage(args.run, name).clear()
    elif Stage(args.run, "mine").finished:
        gate_rows(args.run)  # a run mined before there were gate questions can train, but never be promoted
    settings = plan_run(settings, args.index, args.minutes, args.run)
    for run_stage in (run_mine, run_sft, run_dpo, run_corpus_embedder, run_corpus_cross_encoder):
        run_stage(args, settings)
    print(f"trained in {(time.perf_counter() - start) / 60:.1f} min")


def run_mine(args: argparse.Namespace, settings: Settings) -> None:
    """Mine training rows from the index."""
    from finetune.mining.mine import mine
    from finetune.mining.round_trip import open_round_trip
    from finetune.mining.teacher import Teacher, open_teacher
    from finetune.shipped.question_writer import open_writer
    from rag.generation.generator import Generator
    from rag.models.device import choose_device

    stage = begin_stage("mine", args.run, args.resume)
    if stage is None:
        return
    model, device, _ = configured_base(settings)
    mining = settings.section(MineSettings)
    writer: Generator | Teacher
    if mining.teacher:
        endpoint = settings.section(EndpointSettings)
        writer = open_teacher(mining.teacher, mining.teacher_answers, endpoint, model)
    else:
        writer = open_writer(model, *choose_device(device))
    round_trip = open_round_trip(settings) if mining.checked else None
    mine(stage, _own_documents(settings, args.index), writer, round_trip, model.digest, mining)
    result = stage.result()
    print(f"kept {result['kept']}\nrejected {result['rejected']}")
    if isinstance(writer, Teacher):
        print(f"teacher: {writer.endpoint.usage()}")
    take_feedback_of(args.run, settings, args.index)


def take_feedback_of(run: str, settings: Settings, index: Path) -> None:
    """Make rows of what users of the index's server have said, and say how many wait for a review."""
    from finetune.human.take_feedback import take_feedback

    taken = take_feedback(run, settings, index)
    if taken.rows or taken.rejected:
        print(f"{taken}: python -m finetune review --run {run}, or Review in the page of rag serve")


def _own_documents(settings: Settings, index: Path) -> Searcher:
    """Open the retriever; the sample corpus is left out where the index holds other documents, too."""
    from finetune.mining.own_documents import OwnDocuments
    from rag.factory import open_retriever, open_store
    from rag.index.sample import SAMPLE, sample_among_own

    sample = sample_among_own(open_store(settings, index).documents())
    retriever = open_retriever(settings, index)
    if not sample:
        return retriever
    print(f"{len(sample)} documents of the sample corpus, {SAMPLE}, are not mined: you have your own")
    return OwnDocuments(retriever, sample)


def run_sft(args: argparse.Namespace, settings: Settings) -> None:
    """Fine-tune the generator on the mined rows."""
    from finetune.generator.sft import train_sft

    stage = begin_stage("sft", args.run, args.resume)
    if stage is None:
        return
    model, device, precision = configured_base(settings)
    sft, prefix = settings.section(SftSettings), settings.section(PrefixSettings)
    train_sft(stage, Stage(args.run, "mine"), model, device, precision, sft, args.resume, prefix)


def run_dpo(args: argparse.Namespace, settings: Settings) -> None:
    """Make preference pairs with the SFT adapter, and train it further on them."""
    from finetune.generator.dpo import train_dpo, write_preference_pairs
    from rag.factory import open_generator

    stage = begin_stage("dpo", args.run, args.resume)
    if stage is None:
        return
    mined, sft, dpo = Stage(args.run, "mine"), Stage(args.run, "sft"), settings.section(DpoSettings)
    generator = open_generator(settings, sft.folder / "adapter")
    write_preference_pairs(stage, generator, dpo, settings.section(AnswerSettings))
    del generator
    model, device, _ = configured_base(settings)
    prefix, method = settings.section(PrefixSettings), settings.section(PreferenceSettings).method
    train_dpo(stage, sft, mined, model, device, dpo, args.resume, prefix, method)


def run_corpus_embedder(args: argparse.Namespace, settings: Settings) -> None:
    """Train the embedder on the mined rows, where it is of a kind that can be trained."""
    from finetune.retriever.embedder import STAGE, can_be_trained, train_embedder_for_run

    stage = begin_stage(STAGE, args.run, args.resume) if can_be_trained(settings) else None
    if stage:
        train_embedder_for_run(stage, settings, args.index)


def run_corpus_cross_encoder(args: argparse.Namespace, settings: Settings) -> None:
    """Train the cross-encoder on the mined rows, where it is of a kind that can be trained."""
    from finetune.retriever.cross_encoder import STAGE, can_be_trained, train_cross_encoder_for_run

    stage = begin_stage(STAGE, args.run, args.resume) if can_be_trained(settings) else None
    if stage:
        train_cross_encoder_for_run(stage, settings, args.index)


def run_promote(args: argparse.Namespace, settings: Settings) -> None:
    """Make live what the run's evaluation shows to be better."""
    from finetune.promote import promote_run

    promote_run(Stage(args.run, "attribution"), settings, args.index)


def run_merge(args: argparse.Namespace, settings: Settings) -> None:
    """Merge an adapter into its base, and compare their answers to the run's development rows."""
    from finetune.data.rows import read_rows
    from finetune.generator.merge import merge_adapter

    mined = Stage(args.run, "mine")
    mined.result()
    rows = read_rows(mined.folder / "dev.jsonl")
    model, device, _ = configured_base(settings)
    max_new_tokens = settings.section(AnswerSettings).max_new_tokens
    differing = merge_adapter(args.adapter, model, device, rows, args.out, max_new_tokens)
    print(
        f"{args.out}: {differing:.1%} of {len(rows)} answers differ from the adapter's; "
        f"use it with --set model.generator={args.out}"
    )


def begin_stage(name: str, run: str, resume: bool) -> Stage | None:
    """Return the stage to do; None when it has finished and is kept.

    Without `resume` it is emptied, and what depends on it is removed.
    """
    stage = Stage(run, name)
    if resume and stage.finished:
        stage.require_whole()
        print(f"{name}: finished before, kept")
        return None
    if not resume:
        for each in (name, *DEPENDENTS[name]):
            Stage(run, each).clear()
    print(f"--- {name}", flush=True)
    return stage
