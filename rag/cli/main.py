"""The `rag` command: reads the command line, runs the command, exits with its status."""

from __future__ import annotations

import os

from rag.cli.parser import build_parser
from rag.cli.shell import exit_status, flush_output, load_settings
from rag.core.progress import want_progress


def main(arguments: list[str] | None = None) -> int:
    """Run the command that the arguments name, and return its exit status. arguments: None for the command line's."""
    return exit_status(lambda: _run(arguments))


def _run(arguments: list[str] | None) -> int | None:
    args = build_parser().parse_args(arguments)
    want_progress(not args.quiet)
    return args.work(args, load_settings(args.set))


def entry() -> None:
    """Run the command and exit at once: tearing down torch takes about two seconds, for which an answer would wait."""
    status = main()
    os._exit(exit_status(flush_output) or status)
