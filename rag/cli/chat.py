"""`rag chat`: questions one after the other, each of which may lean on the one before."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator

from rag.answering.answer import Answer
from rag.cli.output import print_answer
from rag.core.errors import RagtuneError
from rag.retrieval.query_rewriting import Turn, rewrite_followup

PROMPT = "? "


def chat(ask: Callable[[str], Answer], lines: Iterable[str]) -> None:
    """Answer each line with its sources, until the lines end or say exit. A follow-up is asked, and shown, as it stands alone; an error costs its turn only."""
    former: Turn | None = None
    for line in map(str.strip, lines):
        if line in ("exit", "quit"):
            return
        if not line:
            continue
        question = rewrite_followup(line, former)
        if question != line:
            print(f"asked as: {question}")
        try:
            answer = ask(question)
        except RagtuneError as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        print_answer(answer)
        former = Turn(question, "" if answer.refused else answer.text)


def typed() -> Iterator[str]:
    """-> lines from the keyboard, or from what is piped in; what is not UTF-8 there becomes another character."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    while True:
        try:
            yield input(PROMPT if sys.stdin.isatty() else "")
        except EOFError:
            return
