"""`rag chat`: questions one after the other, where each may refer to the one before."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rag.cli.output import print_answer
from rag.core.errors import RagtuneError
from rag.retrieval.query_rewriting import Turn, rewrite_followup

if TYPE_CHECKING:
    from rag.answering.answer import Answer

PROMPT = "? "


def chat(ask: Callable[[str], Answer], questions: Iterable[str]) -> None:
    """Answer each question with its sources, until they end or one is "exit".

    A follow-up question is rewritten so that it can be understood alone, and shown as rewritten. An error ends only its
    own turn.
    """
    last: Turn | None = None
    for line in map(str.strip, questions):
        if line in ("exit", "quit"):
            return
        if not line:
            continue
        question = rewrite_followup(line, last)
        if question != line:
            print(f"asked as: {question}")
        try:
            answer = ask(question)
        except RagtuneError as error:
            print(f"error: {error}", file=sys.stderr)
            continue
        print_answer(answer)
        last = Turn(question, "" if answer.refused else answer.text)


def read_questions() -> Iterator[str]:
    """Yield lines from the keyboard or a pipe; bytes that are not UTF-8 are replaced."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    while True:
        try:
            yield input(PROMPT if sys.stdin.isatty() else "")
        except EOFError:
            return
