"""The `rag` command."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rag import index_commands
from rag.errors import RagtuneError
from rag.models import ModelSettings, find_model, prepare_libraries
from rag.settings import Settings

EXAMPLES = """exit status: 0 done, 3 done but files were left out and listed, 1 an error in one line, 2 wrong usage, 130 stopped

examples:
  rag index corpus                       index a folder; run again after changes
  rag ingest corpus/incoming letter.pdf  add documents, no training
  rag documents 'board/*'                which documents the index holds
  rag remove board/minutes-2025-03.md    take documents out of the index
  rag doctor                             what is wrong here, and what mends it
  rag ask "Who owns the Long Mole?"      answer with sources
  rag ask "..." --json                   the same as data
  rag ask "..." --log var/asked.jsonl    the answer is kept, to be judged and learned from
  rag ask "..." --base                   with the base model alone
  rag --set model.generator=HuggingFaceTB/SmolLM2-360M-Instruct --set model.hub=true ask "..."
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("rag", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would")
    top.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="the index (default %(default)s)")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_index_commands(commands)
    ask = commands.add_parser("ask", help="answer a question from the indexed documents")
    ask.add_argument("question")
    ask.add_argument("--json", action="store_true", help="text, refused, confidence, citations, passages and timings as JSON")
    ask.add_argument("--log", type=Path, metavar="FILE", help="append question and answer to this file, to be judged there and imported for training")
    which = ask.add_mutually_exclusive_group()
    which.add_argument("--base", action="store_true", help="answer with the base model alone")
    which.add_argument("--adapter", type=Path, metavar="DIR", help="answer with this adapter instead of the live one, or of the reader that ships")
    ask.set_defaults(run=run_ask)
    models = commands.add_parser("models", help="find, check and convert the configured models, and say where they run")
    models.set_defaults(run=run_models)
    doctor = commands.add_parser("doctor", help="check packages, models, device and index; each finding with its remedy")
    doctor.set_defaults(run=run_doctor)
    return top


def _add_index_commands(commands) -> None:
    index = commands.add_parser("index", help="index a folder: new and changed files in, files that are gone out")
    index.add_argument("folder", type=Path)
    index.add_argument("--rebuild", action="store_true", help="throw the index away first (after a change of embedder or chunk size)")
    index.set_defaults(run=index_commands.run_index)
    ingest = commands.add_parser("ingest", help="add files, folders or patterns to the index, without training")
    ingest.add_argument("paths", type=Path, nargs="+")
    ingest.set_defaults(run=index_commands.run_ingest)
    documents = commands.add_parser("documents", help="list the documents in the index, with their chunks")
    documents.add_argument("patterns", nargs="*", help="names, or patterns like 'board/*' (default all)")
    documents.set_defaults(run=index_commands.run_documents)
    remove = commands.add_parser("remove", help="take documents out of the index; their files stay where they are")
    remove.add_argument("patterns", nargs="+", help="names as `rag documents` lists them, or patterns like 'board/*'")
    remove.set_defaults(run=index_commands.run_remove)
    status = commands.add_parser("status", help="how much is in the index, and how far its search files have caught up")
    status.set_defaults(run=index_commands.run_status)
    compact = commands.add_parser("compact", help="make the search files anew and give back the room of what was removed")
    compact.set_defaults(run=index_commands.run_compact)


def main(arguments: list[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    return guarded(lambda: args.run(args, load_settings(args.set)))


def entry() -> None:
    """The installed command: main, then out at once, since tearing down torch takes about two seconds that an answer would wait for."""
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def load_settings(overrides: list[str] | None) -> Settings:
    """-> the settings, with the model libraries prepared as they say."""
    settings = Settings(overrides)
    prepare_libraries(settings.section("model", ModelSettings).hub)
    return settings


def guarded(run: Callable[[], int | None]) -> int:
    """-> exit status: what `run` gives, 0 if nothing; errors meant for people become one line on stderr and 1."""
    try:
        return run() or 0
    except RagtuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was committed is kept", file=sys.stderr)
        return 130


def run_ask(args: argparse.Namespace, settings: Settings) -> None:
    from rag.pipeline import open_pipeline

    start = time.perf_counter()
    pipeline = open_pipeline(settings, args.index, args.adapter, args.base)
    loaded = time.perf_counter() - start
    if args.json:
        answer = pipeline.ask(args.question)
        answer.timings["load"] = loaded
        print(json.dumps(dataclasses.asdict(answer), ensure_ascii=False, indent=2))
        log_answer(args.log, args.question, answer)
        return
    generator, reranked = pipeline.generator, settings.section("model", ModelSettings).reranker
    print(f"{generator.name}{'' if generator.adapter else ', no adapter (make train)'} on {generator.device} in {generator.precision}; "
          f"{'cross-encoder ' + reranked if reranked else 'no cross-encoder set: passages in fused order'}", file=sys.stderr)  # fmt: skip
    answer = pipeline.ask(args.question, lambda text: print(text, end="", flush=True))
    answer.timings["load"] = loaded
    print() if pipeline.answerer.chooser is None else print(answer.text)
    print_sources(answer)
    log_answer(args.log, args.question, answer)


def log_answer(path: Path | None, question: str, answer) -> None:
    """Append a JSON line, with room for a thumb ("up", "down") and a correction, which `python -m finetune import` reads."""
    if path is None:
        return
    said = {"question": question, "answer": answer.text, "refused": answer.refused, "passages": [p.chunk.place for p in answer.passages]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**said, "thumb": "", "correction": ""}, ensure_ascii=False) + "\n")
    except OSError as error:
        raise RagtuneError(f"{path} can't be written ({error}): name another file with --log") from error


def print_sources(answer) -> None:
    """What was written or found where it is not what is shown, the evidence, the other passages, the time of each part."""
    if answer.refused and not answer.output.strip().startswith(answer.text):
        print(f"-> not shown, since it is not sure enough or no passage supports it: {answer.output.strip()}")
    for citation in answer.citations:
        print(f"  [{citation.passage}] {answer.passages[citation.passage - 1].chunk.place}\n      “{' '.join(citation.quote.split())}”")
    print("passages shown:" if not answer.refused else "nearest passages:")
    for number, passage in enumerate(answer.passages, 1):
        print(f"  [{number}] {passage.chunk.place}")
    times = ", ".join(f"{name} {seconds:.2f}" for name, seconds in answer.timings.items())
    print(f"confidence {answer.confidence:.2f}; seconds: {times}", file=sys.stderr)


def run_models(args: argparse.Namespace, settings: Settings) -> None:
    from rag.models import choose_device
    from rag.pipeline import live_adapter, shipped_reader

    models = settings.section("model", ModelSettings)
    device, precision = choose_device(models.device, models.precision)
    for role, spec in (("generator", models.generator), ("embedder", models.embedder), ("reranker", models.reranker)):
        model = find_model(spec, models.hub) if spec else None
        print(f"{role}: {f'{model.name}, {model.path}, digest {model.digest[:12]}' if model else 'none set; fused order is final'}")
    print(f"adapter: {live_adapter() or shipped_reader(settings) or 'none for this generator: make train'}")
    print(f"device: {device}, precision: {precision}")


def run_doctor(args: argparse.Namespace, settings: Settings) -> int:
    from rag.doctor import examine

    findings = examine(settings, args.index)
    for finding in findings:
        print(finding.line())
    return int(any(finding.state == "bad" for finding in findings))
