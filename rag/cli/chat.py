"""`rag chat`: questions one after the other, where each may refer to the one before, and a few commands."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rag.core.errors import RagtuneError
from rag.retrieval.query_rewriting import Turn, rewrite_followup

if TYPE_CHECKING:
    from rag.answering.answer import Answer

PROMPT = "? "
COMMAND = re.compile(r"/(\w*)(?:\s+(.*))?")  # "/etc/hosts says what?" is a question
HELP = """/in NAME ...  search these documents alone: names, patterns such as 'board/*', or folders
/in           search all documents again
/sources      show in full the passages that were read for the last answer
/help         show this
/exit         end; so do exit, quit and Ctrl-D
Anything else is a question. It may refer to the one before: "and on Sundays?", "who sells it?" """


class Chat:
    """A conversation. A follow-up question is rewritten so that it can be understood alone, and shown as rewritten."""

    def __init__(
        self,
        ask: Callable[[str, list[str] | None], Answer],
        show: Callable[[Answer], None],
        find: Callable[[list[str]], list[str]],
        documents: list[str] | None = None,
    ):
        """Begin a conversation.

        ask: answers a question from the documents with these ids, from all if None. show: prints an answer. find:
        returns the ids of the documents with these names. documents: ids of those that are searched at first.
        """
        self._ask, self._show, self._find, self._documents = ask, show, find, documents
        self._last: Turn | None = None
        self._answer: Answer | None = None

    def run(self, lines: Iterable[str]) -> None:
        """Answer each question, until they end or one is "exit". An error ends only its own turn."""
        for line in map(str.strip, lines):
            if line in ("exit", "quit", "/exit", "/quit"):
                return
            try:
                if command := COMMAND.fullmatch(line):
                    self._obey(command[1], command[2] or "")
                elif line:
                    self._answer_question(line)
            except RagtuneError as error:
                print(f"error: {error}", file=sys.stderr)

    def _answer_question(self, line: str) -> None:
        question = rewrite_followup(line, self._last)
        if question != line:
            print(f"asked as: {question}")
        self._answer = answer = self._ask(question, self._documents)
        self._show(answer)
        self._last = Turn(question, "" if answer.refused else answer.text)

    def _obey(self, command: str, names: str) -> None:
        if command == "help":
            print(HELP)
        elif command == "sources":
            self._print_sources()
        elif command == "in":
            self._documents = self._find(_split(names)) if names else None
            print(f"searching {', '.join(self._documents) if self._documents else 'all documents'}")
        else:
            print(f"there is no command /{command}: /help lists them")

    def _print_sources(self) -> None:
        if not self._answer:
            print("nothing was asked yet")
            return
        for number, passage in enumerate(self._answer.passages, 1):
            print(f"[{number}] {passage.chunk.location}\n{passage.chunk.text}\n")


def _split(names: str) -> list[str]:
    try:
        return shlex.split(names)
    except ValueError:  # a quotation mark without its partner
        return names.split()


def read_questions() -> Iterator[str]:
    """Yield lines from the keyboard or a pipe; bytes that are not UTF-8 are replaced."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdin.isatty():
        print("ask a question; /help lists the commands", file=sys.stderr)
    while True:
        try:
            yield input(PROMPT if sys.stdin.isatty() else "")
        except EOFError:
            return
