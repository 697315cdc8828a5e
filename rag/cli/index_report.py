"""What `rag index` and `rag ingest` print when they are done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.documents import by_folder, print_learned
from rag.core.settings import Settings

if TYPE_CHECKING:
    from rag.index.indexing_run import IndexingReport

FAILED, FILES_SKIPPED = 1, 3  # exit statuses
MOST_NAMED = 5  # folders, documents of one, or unread parts of a file


def print_report(report: IndexingReport, index: Path, seconds: float, quiet: bool) -> int:
    """Print what was done and, to stderr, what was left out; return the exit status.

    quiet: whether only what was left out is printed.
    """
    if not quiet:
        _print_done(report, seconds)
        print_learned(index, report.removed)
    for path, lines in report.unread.items():
        print(f"read in part: {path}: {shortened(lines)}", file=sys.stderr)
    for skipped in report.skipped:
        remedy = f"; {skipped.remedy}" if skipped.remedy else ""
        print(f"skipped: {skipped.path}: {skipped.reason}{remedy}", file=sys.stderr)
    print_kept(report.kept, index)
    return FAILED if report.kept else FILES_SKIPPED if report.skipped else 0


def shortened(lines: tuple[str, ...]) -> str:
    """Return on one line what of a file could not be read."""
    more = len(lines) - MOST_NAMED
    return "; ".join(lines[:MOST_NAMED]) + (f"; and {more} more (rag show lists all)" if more > 0 else "")


def _print_done(report: IndexingReport, seconds: float) -> None:
    from rag.index.sample import SAMPLE

    changes = f"{len(report.added)} added, {len(report.changed)} changed, {len(report.renamed)} renamed"
    documents = f"{changes}, {len(report.removed)} removed, {report.unchanged} unchanged"
    chunks = f"{report.chunks} chunks, {report.embedded} of them embedded"
    print(f"documents: {documents}; {chunks}, in {seconds:.1f} s")
    for old, new in report.renamed:
        print(f"renamed: {old} is now {new}")
    for id, path in report.longer.items():
        print(f"named: {id} is {path}, since another document has the shorter name")
    if report.sample:
        print(f"removed: {len(report.sample)} documents of the sample corpus, {SAMPLE}, now that you index your own")


def print_kept(kept: dict[Path, list[str]], index: Path) -> None:
    """Print, by folder, which documents were kept although their files are gone."""
    from rag.index.store import rag_command

    for folder, ids in kept.items():
        named = ", ".join(ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")
        gone = f"the files of {len(ids)} documents of {folder} are gone ({named})"
        remedy = f"if its disk is there, {rag_command(index, 'index', folder, '--yes')} removes them"
        print(f"error: {gone}, so none was removed from the index: {remedy}", file=sys.stderr)


def print_others(folders: list[Path], index: Path, settings: Settings) -> None:
    """Print of which other folders the index has documents. folders: those that were indexed, all if none."""
    from rag.factory import open_store
    from rag.index.store import rag_command

    indexed = [folder.resolve() for folder in folders]
    held = by_folder(open_store(settings, index)) if folders else {}
    others = {folder: ids for folder, ids in held.items() if not any(map(folder.is_relative_to, indexed))}
    for folder, ids in list(others.items())[:MOST_NAMED]:
        print(f"also in the index: {len(ids)} documents of {folder} ({rag_command(index, 'remove', folder)})")
    if len(others) > MOST_NAMED:
        print(f"and documents of {len(others) - MOST_NAMED} other folders: rag status")


def print_sample_beside_own(index: Path, settings: Settings) -> None:
    """Print that the index has documents of the sample corpus beside others, if it has."""
    from rag.factory import open_store
    from rag.index.sample import SAMPLE, sample_among_own
    from rag.index.store import rag_command

    if sample := sample_among_own(open_store(settings, index).documents()):
        remove = rag_command(index, "remove", SAMPLE)
        print(f"also in the index: {len(sample)} documents of the sample corpus, {SAMPLE} ({remove})")
