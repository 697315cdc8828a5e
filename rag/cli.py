"""The `rag` command."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from rag.errors import RagtuneError
from rag.models import ModelSettings, find_model, prepare_libraries
from rag.settings import Settings

EXAMPLES = """examples:
  rag index corpus                       index a folder; run again after changes
  rag ingest corpus/incoming letter.pdf  add documents, no training
  rag ask "How long is the Long Mole?"   answer with sources
  rag ask "..." --json                   the same as data
  rag ask "..." --base                   without the trained adapter
  rag --set model.generator=HuggingFaceTB/SmolLM2-360M-Instruct --set model.hub=true ask "..."
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("rag", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--set", action="append", metavar="SECTION.KEY=VALUE", help="override a setting, as ragtune.toml would")
    top.add_argument("--index", type=Path, default=Path("var/index"), metavar="DIR", help="the index (default %(default)s)")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    index = commands.add_parser("index", help="index a folder: new and changed files in, files that are gone out")
    index.add_argument("folder", type=Path)
    index.add_argument("--rebuild", action="store_true", help="throw the index away first (after a change of embedder or chunk size)")
    index.set_defaults(run=run_index)
    ingest = commands.add_parser("ingest", help="add files or folders to the index, without training")
    ingest.add_argument("paths", type=Path, nargs="+")
    ingest.set_defaults(run=run_ingest)
    ask = commands.add_parser("ask", help="answer a question from the indexed documents")
    ask.add_argument("question")
    ask.add_argument("--json", action="store_true", help="text, refused, confidence, citations, passages and timings as JSON")
    which = ask.add_mutually_exclusive_group()
    which.add_argument("--base", action="store_true", help="answer with the base model, without the live adapter")
    which.add_argument("--adapter", type=Path, metavar="DIR", help="answer with this adapter instead of the live one")
    ask.set_defaults(run=run_ask)
    models = commands.add_parser("models", help="find, check and convert the configured models, and say where they run")
    models.set_defaults(run=run_models)
    return top


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


def guarded(run) -> int:
    """-> exit status; errors meant for people become one line on stderr."""
    try:
        run()
    except RagtuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was committed is kept", file=sys.stderr)
        return 130
    return 0


def run_index(args: argparse.Namespace, settings: Settings) -> None:
    from rag.documents import require
    from rag.indexing import sync
    from rag.store import Store

    require(args.folder)
    if args.rebuild:
        Store.destroy(args.index)
    _indexed(args, settings, lambda *parts: sync(parts[0], parts[1], args.folder, parts[2]))


def run_ingest(args: argparse.Namespace, settings: Settings) -> None:
    from rag.documents import require
    from rag.indexing import ingest

    for path in args.paths:
        require(path)
    _indexed(args, settings, lambda *parts: ingest(parts[0], parts[1], args.paths, parts[2]))


def _indexed(args: argparse.Namespace, settings: Settings, work) -> None:
    from rag.chunking import ChunkSettings
    from rag.pipeline import open_store

    start = time.perf_counter()
    store, embedder = open_store(settings, args.index, create=True)
    report = work(store, embedder, settings.section("chunk", ChunkSettings))
    store.close()
    print(
        f"{len(report.added)} documents added, {len(report.changed)} changed, {len(report.removed)} removed, {report.unchanged} unchanged; "
        f"{report.chunks} chunks embedded in {time.perf_counter() - start:.1f} s"
    )
    for skipped in report.skipped:
        print(f"left out: {skipped.path}: {skipped.reason}", file=sys.stderr)


def run_ask(args: argparse.Namespace, settings: Settings) -> None:
    from rag.pipeline import live_adapter, open_pipeline

    start = time.perf_counter()
    adapter = None if args.base else args.adapter or live_adapter()
    pipeline = open_pipeline(settings, args.index, adapter)
    loaded = time.perf_counter() - start
    if args.json:
        answer = pipeline.ask(args.question)
        answer.timings["load"] = loaded
        print(json.dumps(dataclasses.asdict(answer), ensure_ascii=False, indent=2))
        return
    generator, reranked = pipeline.generator, settings.section("model", ModelSettings).reranker
    print(f"{generator.name}{'' if adapter else ', no adapter (make train)'} on {generator.device} in {generator.precision}; "
          f"{'cross-encoder ' + reranked if reranked else 'no trained cross-encoder: passages in fused order'}", file=sys.stderr)  # fmt: skip
    answer = pipeline.ask(args.question, lambda text: print(text, end="", flush=True))
    answer.timings["load"] = loaded
    print()
    print_sources(answer)


def print_sources(answer) -> None:
    """The checked answer where it differs from what was streamed, the evidence, the other passages, the time of each part."""
    said = answer.output.strip()
    if answer.refused and not said.startswith(answer.text):
        print(f"-> {answer.text} (no passage supports the words above)")
    elif not answer.refused and said.split("\n")[0].strip() != said:
        print(f"-> {answer.text}")
    for citation in answer.citations:
        print(f"  [{citation.passage}] {answer.passages[citation.passage - 1].chunk.place}\n      “{' '.join(citation.quote.split())}”")
    print("passages shown:" if not answer.refused else "nearest passages:")
    for number, passage in enumerate(answer.passages, 1):
        print(f"  [{number}] {passage.chunk.place}")
    times = ", ".join(f"{name} {seconds:.2f}" for name, seconds in answer.timings.items())
    print(f"confidence {answer.confidence:.2f} (not calibrated); seconds: {times}", file=sys.stderr)


def run_models(args: argparse.Namespace, settings: Settings) -> None:
    from rag.models import choose_device

    models = settings.section("model", ModelSettings)
    device, precision = choose_device(models.device, models.precision)
    for role, spec in (("generator", models.generator), ("embedder", models.embedder), ("reranker", models.reranker)):
        model = find_model(spec, models.hub) if spec else None
        print(f"{role}: {f'{model.name}, {model.path}, digest {model.digest[:12]}' if model else 'none trained; fused order is final'}")
    print(f"device: {device}, precision: {precision}")
