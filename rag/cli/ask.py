"""`rag ask` and `rag chat`."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import sys
import time
from typing import TYPE_CHECKING

from rag.cli.output import ask_and_stream, print_answer, print_models
from rag.core.settings import Settings

if TYPE_CHECKING:
    from rag.answering.answer import Answer
    from rag.pipeline import Pipeline


def run_ask(args: argparse.Namespace, settings: Settings) -> None:
    """Answer one question, as text or as JSON."""
    start = time.perf_counter()
    pipeline = _open(args, settings)
    loaded = time.perf_counter() - start
    if args.json:
        answer = pipeline.ask(args.question)
        answer.timings["load"] = loaded
        print(json.dumps(dataclasses.asdict(answer), ensure_ascii=False, indent=2))
    else:
        print_models(pipeline, settings, args.index)
        answer = ask_and_stream(pipeline, args.question)
        answer.timings["load"] = loaded
        print_answer(answer)
    if args.log:
        _log(args, answer)


def _log(args: argparse.Namespace, answer: Answer) -> None:
    from rag.cli.question_log import ask_verdict, log_answer

    may_ask = not args.json and sys.stdin.isatty()
    log_answer(args.log, args.question, answer, ask_verdict() if may_ask else "")


def run_chat(args: argparse.Namespace, settings: Settings) -> None:
    """Answer questions until there are no more."""
    from rag.cli.chat import chat, read_questions

    pipeline = _open(args, settings)
    print_models(pipeline, settings, args.index)
    chat(lambda question: ask_and_stream(pipeline, question), read_questions())


def _open(args: argparse.Namespace, settings: Settings) -> Pipeline:
    """Open the pipeline without garbage collection, which saves about a tenth of the time until the first answer.

    Libraries and models create a million objects, and none of them is garbage.
    """
    from rag.factory import open_pipeline

    gc.disable()
    try:
        return open_pipeline(settings, args.index, args.adapter, args.base)
    finally:
        gc.freeze()
        gc.enable()
