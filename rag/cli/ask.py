"""`rag ask` and `rag chat`."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from rag.cli.output import ask_and_stream, print_answer, print_models, print_sample_note
from rag.core.errors import PromptError
from rag.core.settings import Settings
from rag.index.document_names import matching

if TYPE_CHECKING:
    from rag.answering.answer import Answer
    from rag.pipeline import Pipeline


def run_ask(args: argparse.Namespace, settings: Settings) -> None:
    """Answer one question, as text or as JSON."""
    question = " ".join(args.question)
    if not any(map(str.isalnum, question)):
        raise PromptError('there is no word in the question: rag ask "..."')
    start = time.perf_counter()
    documents = _find(args, settings, args.within) if args.within else None
    pipeline = _open(args, settings)
    loaded = time.perf_counter() - start
    if args.json:
        answer = pipeline.ask(question, documents=documents)
        answer.timings["load"] = loaded
        unread = [dataclasses.replace(passage, reading=None) for passage in answer.passages]  # thousands of scores
        facts = dataclasses.asdict(dataclasses.replace(answer, passages=unread))
        print(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        if not args.quiet:
            print_models(pipeline, settings, args.index)
        answer = ask_and_stream(pipeline, question, documents)
        answer.timings["load"] = loaded
        print_answer(answer, args.quiet)
    print_sample_note(answer, settings, args.index)
    if args.log:
        _log(args, question, answer)


def _log(args: argparse.Namespace, question: str, answer: Answer) -> None:
    from rag.cli.question_log import ask_verdict, log_answer

    may_ask = not args.json and sys.stdin.isatty()
    log_answer(args.log, question, answer, ask_verdict() if may_ask else "")


def run_chat(args: argparse.Namespace, settings: Settings) -> None:
    """Answer questions until there are no more."""
    from rag.cli.chat import Chat, read_questions

    find = partial(_find, args, settings)
    documents = find(args.within) if args.within else None
    pipeline = _open(args, settings)
    if not args.quiet:
        print_models(pipeline, settings, args.index)

    def show(answer: Answer) -> None:
        print_answer(answer, args.quiet)
        print_sample_note(answer, settings, args.index)

    Chat(partial(ask_and_stream, pipeline), show, find, documents).run(read_questions())


def _find(args: argparse.Namespace, settings: Settings, names: list[str]) -> list[str]:
    """Return the ids of the documents with these names."""
    from rag.factory import open_store

    store = open_store(settings, args.index)
    try:
        return matching(store.documents(), names)
    finally:
        store.close()


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
