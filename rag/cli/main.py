"""The `rag` command."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from rag.cli.adapters import run_adapters
from rag.cli.index import run_compact, run_documents, run_index, run_ingest, run_remove, run_status
from rag.cli.output import ask_and_stream, print_answer, print_models
from rag.cli.question_log import ask_verdict, log_answer
from rag.cli.shell import _flush, exit_status, load_settings
from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models.resolve import find_model

EXAMPLES = """exit status: 0 done, 3 done but files were left out and listed, 1 an error in one line, 2 wrong usage, 130 stopped

examples:
  rag index corpus                       index a folder; run again after changes
  rag ingest corpus/incoming letter.pdf  add documents, no training
  rag documents 'board/*'                which documents the index holds
  rag remove board/minutes-2025-03.md    take documents out of the index
  rag adapters --rollback                back to what was live before the last promotion
  rag doctor                             what is wrong here, and what mends it
  rag ask "When was Kestrel Bay built?"  answer with sources
  rag ask "..." --json                   the same as data
  rag ask "..." --base                   with the base model alone
  rag chat                               questions one after the other: "And for boats?" is asked in full
  rag ask "..." --log var/asked.jsonl    keep question, answer and your verdict for training
  rag --set model.generator=HuggingFaceTB/SmolLM2-360M-Instruct --set model.hub=true ask "..."
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "rag", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument(
        "--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would"
    )
    top.add_argument(
        "--index", type=Path, default=Path("var/index"), metavar="DIR", help="the index (default %(default)s)"
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_index_commands(commands)
    ask = commands.add_parser("ask", help="answer a question from the indexed documents")
    ask.add_argument("question")
    ask.add_argument(
        "--json",
        action="store_true",
        help="text, refused, confidence, citations, passages, conflicts and timings as JSON",
    )
    ask.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="append question, answer and your verdict to FILE, for python -m finetune import",
    )
    chat = commands.add_parser(
        "chat", help="answer questions one after the other, each of which may lean on the one before; ends with exit"
    )
    for command in (ask, chat):
        which = command.add_mutually_exclusive_group()
        which.add_argument("--base", action="store_true", help="answer with the base model alone")
        which.add_argument(
            "--adapter",
            type=Path,
            metavar="DIR",
            help="answer with this adapter instead of the live one, or of the reader that ships",
        )
    chat.set_defaults(run=run_chat)
    ask.set_defaults(run=run_ask)
    adapters = commands.add_parser("adapters", help="which trained weights are live, and the tests that put them there")
    adapters.add_argument("--rollback", action="store_true", help="go back to what was live before the last promotion")
    adapters.set_defaults(run=run_adapters)
    models = commands.add_parser("models", help="find, check and convert the configured models, and say where they run")
    models.set_defaults(run=run_models)
    doctor = commands.add_parser(
        "doctor", help="check packages, models, device and index; each finding with its remedy"
    )
    doctor.set_defaults(run=run_doctor)
    return top


def _add_index_commands(commands) -> None:
    index = commands.add_parser("index", help="index a folder: new and changed files in, files that are gone out")
    index.add_argument("folder", type=Path)
    index.add_argument(
        "--rebuild", action="store_true", help="throw the index away first (after a change of embedder or chunk size)"
    )
    index.set_defaults(run=run_index)
    ingest = commands.add_parser("ingest", help="add files, folders or patterns to the index, without training")
    ingest.add_argument("paths", type=Path, nargs="+")
    ingest.set_defaults(run=run_ingest)
    documents = commands.add_parser("documents", help="list the documents in the index, with their chunks")
    documents.add_argument("patterns", nargs="*", help="names, or patterns like 'board/*' (default all)")
    documents.set_defaults(run=run_documents)
    remove = commands.add_parser("remove", help="take documents out of the index; their files stay where they are")
    remove.add_argument("patterns", nargs="+", help="names as `rag documents` lists them, or patterns like 'board/*'")
    remove.set_defaults(run=run_remove)
    status = commands.add_parser("status", help="how much is in the index, and how far its search files have caught up")
    status.set_defaults(run=run_status)
    compact = commands.add_parser(
        "compact", help="make the search files anew and give back the room of what was removed"
    )
    compact.set_defaults(run=run_compact)


def main(arguments: list[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    return exit_status(lambda: args.run(args, load_settings(args.set)))


def entry() -> None:
    """The installed command: main, then out at once, since tearing down torch takes about two seconds that an answer would wait for."""
    status = main()
    os._exit(exit_status(_flush) or status)


def run_ask(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import open_pipeline

    start = time.perf_counter()
    pipeline = open_pipeline(settings, args.index, args.adapter, args.base)
    loaded = time.perf_counter() - start
    if args.json:
        answer = pipeline.ask(args.question)
        answer.timings["load"] = loaded
        print(json.dumps(dataclasses.asdict(answer), ensure_ascii=False, indent=2))
        if args.log:
            log_answer(args.log, args.question, answer)
        return
    print_models(pipeline, settings)
    answer = ask_and_stream(pipeline, args.question)
    answer.timings["load"] = loaded
    print_answer(answer)
    if args.log:
        log_answer(args.log, args.question, answer, ask_verdict() if sys.stdin.isatty() else "")


def run_chat(args: argparse.Namespace, settings: Settings) -> None:
    from rag.cli.chat import chat, typed
    from rag.factory import open_pipeline

    pipeline = open_pipeline(settings, args.index, args.adapter, args.base)
    print_models(pipeline, settings)
    chat(lambda question: ask_and_stream(pipeline, question), typed())


def run_models(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import live_adapter, reranker_delta, shipped_reader
    from rag.models.device import choose_device

    models = settings.section(ModelSettings)
    device, precision = choose_device(models.device, models.precision)
    for role, spec in (
        ("generator", models.generator),
        ("embedder", models.embedder),
        ("reranker", models.cross_encoder),
    ):
        model = find_model(spec, models.hub) if spec else None
        changed = f" with {reranker_delta(models)}" if spec == "shipped" else ""
        print(
            f"{role}: {f'{model.name}{changed}, {model.path}, digest {model.digest[:12]}' if model else 'none set; fused order is final'}"
        )
    print(f"adapter: {live_adapter() or shipped_reader(settings) or 'none for this generator: make train'}")
    print(f"device: {device}, precision: {precision}")


def run_doctor(args: argparse.Namespace, settings: Settings) -> int:
    from rag.cli.doctor import examine

    findings = examine(settings, args.index)
    for finding in findings:
        print(finding.line())
    return int(any(finding.state == "bad" for finding in findings))
