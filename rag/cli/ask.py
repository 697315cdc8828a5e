"""`rag ask` and `rag chat`."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rag.cli.output import ask_and_stream, print_answer, print_models, print_sample_note
from rag.cli.served import running_server
from rag.core.errors import PromptError
from rag.core.settings import Settings
from rag.index.document_names import matching

if TYPE_CHECKING:
    from rag.answering.answer import Answer
    from rag.pipeline import Pipeline

Ask = Callable[[str, list[str] | None], "Answer"]  # the question, and the ids of the documents that are searched


def run_ask(args: argparse.Namespace, settings: Settings) -> None:
    """Answer one question, as text or as JSON."""
    question = " ".join(args.question)
    if not any(map(str.isalnum, question)):
        raise PromptError('there is no word in the question: rag ask "..."')
    start = time.perf_counter()
    documents = _find(args, settings, args.within) if args.within else None
    ask = _open(args, settings, args.json)
    loaded = time.perf_counter() - start
    answer = ask(question, documents)
    answer.timings["load"] = loaded
    if args.json:
        from rag.answering.answer_facts import answer_facts

        print(json.dumps(answer_facts(answer), ensure_ascii=False, indent=2))
    else:
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
    ask = _open(args, settings)

    def show(answer: Answer) -> None:
        print_answer(answer, args.quiet)
        print_sample_note(answer, settings, args.index)

    Chat(ask, show, find, documents).run(read_questions())


def _find(args: argparse.Namespace, settings: Settings, names: list[str]) -> list[str]:
    """Return the ids of the documents with these names."""
    from rag.factory import open_store

    store = open_store(settings, args.index)
    try:
        return matching(store.documents(), names)
    finally:
        store.close()


def _open(args: argparse.Namespace, settings: Settings, silent: bool = False) -> Ask:
    """Return what answers questions from documents: a server that runs for this index, or else a pipeline.

    silent: print neither what answers nor text as it is generated.
    """
    server = None if args.adapter else running_server(settings, args.index, "base" if args.base else "ragtune")
    if server:
        if not (args.quiet or silent):
            print(f"answered by the server at {server.address}", file=sys.stderr)
        return server.ask
    pipeline = _open_pipeline(args, settings)
    if silent:
        return lambda question, documents: pipeline.ask(question, documents=documents)
    if not args.quiet:
        print_models(pipeline, settings, args.index)
    return partial(ask_and_stream, pipeline)


def _open_pipeline(args: argparse.Namespace, settings: Settings) -> Pipeline:
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
