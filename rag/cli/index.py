"""`rag index` and `rag ingest`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.index_report import FAILED, print_kept, print_others, print_report, print_sample_beside_own
from rag.core.errors import DocumentError
from rag.core.settings import Settings

if TYPE_CHECKING:
    from rag.index.indexing_run import IndexingReport


def run_index(args: argparse.Namespace, settings: Settings) -> int:
    """Make the index hold the documents of folders, those that it was made from if none is named."""
    from rag.factory import index_folders
    from rag.index.rebuilding import remember
    from rag.server.state.feedback import forget_left

    start = time.perf_counter()
    if args.rebuild and remember(args.index) is None:
        print(f"what {args.index} held can't be read: index its other folders again", file=sys.stderr)

    forget_left(args.index)  # what an earlier run was stopped over, before a document of that name can be back

    def run(remove_most: bool) -> IndexingReport:
        report = index_folders(args.folders, settings, args.index, rebuild=args.rebuild, remove_most=remove_most)
        forget_left(args.index)
        return report

    report = run(remove_most=args.yes)
    if report.kept and _may_remove(report.kept):
        again = run(remove_most=True)
        report = again if args.rebuild else replace(report, removed=report.removed + again.removed, kept={})
    if report.kept and args.rebuild:  # nothing was done
        print_kept(report.kept, args.index)
        return FAILED
    status = print_report(report, args.index, time.perf_counter() - start, args.quiet)
    if not args.quiet:
        print_others(args.folders, args.index, settings)
    return status


def _may_remove(kept: dict[Path, list[str]]) -> bool:
    """Ask at the terminal whether documents whose files are gone may leave the index; elsewhere the answer is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    for folder, ids in kept.items():
        print(f"the files of {len(ids)} documents of {folder} are gone, such as {ids[0]}", file=sys.stderr)
    print("remove them from the index? y or n: ", end="", flush=True, file=sys.stderr)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def run_ingest(args: argparse.Namespace, settings: Settings) -> int:
    """Add files, folders or patterns to the index; of several paths, those that are there."""
    from rag.documents.discovery import Skipped, require_exists
    from rag.factory import open_index_for_writing
    from rag.index.indexing import IndexingSettings, ingest
    from rag.server.state.feedback import forget_left

    start = time.perf_counter()
    there, missing = [], []
    for path in args.paths:
        try:
            require_exists(path)
            there.append(path)
        except DocumentError as error:
            missing.append(Skipped(path, error.reason))
    if not there:
        raise DocumentError("; ".join(skipped.reason for skipped in missing))
    forget_left(args.index)
    store, embedder = open_index_for_writing(settings, args.index)
    report = ingest(store, embedder, there, IndexingSettings.of(settings))
    store.close()
    report.skipped += missing
    status = print_report(report, args.index, time.perf_counter() - start, args.quiet)
    if not args.quiet:
        print_sample_beside_own(args.index, settings)
    return status
