"""Marks of Markdown and reStructuredText: what of a text the reader of its rendered page does not see.

Quotes stay as they stand in the file; answers are without marks. A mark is one where authors mean it: what only looks
like emphasis, such as `2*3*4`, `*.py`, `snake_case` or `__init__.py`, is text, also where CommonMark reads it
otherwise. A text may be any piece of a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple

from rag.core.invisible_characters import remove_invisible
from rag.core.mark import Mark
from rag.core.markdown_marks import markdown_marks
from rag.core.rst_marks import rst_marks


class ShownText(NamedTuple):
    """A piece of a text as it is shown, on one line. starts, ends: of each character, in the text."""

    text: str
    starts: list[int]
    ends: list[int]


def find_marks(text: str, document: str) -> tuple[Mark, ...]:
    """Return the marks in a text of a document, in order. document: its name, of which the suffix says the format."""
    suffix = PurePath(document).suffix.lower()
    if suffix in (".md", ".markdown", ".ipynb"):
        return _markdown(text)
    return _rst(text) if suffix == ".rst" else ()


@lru_cache(maxsize=64)
def _markdown(text: str) -> tuple[Mark, ...]:
    return tuple(markdown_marks(text))


@lru_cache(maxsize=64)
def _rst(text: str) -> tuple[Mark, ...]:
    return tuple(rst_marks(text))


def shown_pieces(text: str, first: int, last: int, marks: tuple[Mark, ...]) -> Iterator[ShownText]:
    """Yield what is shown of text[first:last] in pieces: between borders, and then each aside."""
    inside = [mark for mark in marks if max(first, mark.start) < min(last, mark.end)]
    at, piece = first, _Piece()
    for mark in inside:
        piece.add(text, at, max(at, mark.start))
        if mark.border:
            yield from piece.finished()
            piece = _Piece()
        elif mark.shown:
            piece.append(mark.shown, max(first, mark.start), min(last, mark.end))
        at = max(at, mark.end)
    piece.add(text, at, last)
    yield from piece.finished()
    for mark in inside:
        if mark.aside:
            aside = _Piece()
            aside.add(text, max(first, mark.start), min(last, mark.end))
            yield from aside.finished()


def shown_text(text: str, first: int, last: int, marks: tuple[Mark, ...]) -> str:
    """Return what is shown of text[first:last] on one line."""
    around = tuple(mark for mark in marks if not (mark.aside and mark.start <= first and last <= mark.end))
    without_asides = tuple(mark._replace(aside=False) for mark in around)
    return " ".join(piece.text for piece in shown_pieces(text, first, last, without_asides))


class _Piece:
    """A piece in the making."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, text: str, first: int, last: int) -> None:
        for at in range(first, last):
            self.append(text[at], at, at + 1)

    def append(self, shown: str, start: int, end: int) -> None:
        """Add what is shown for the characters from `start` to `end`; runs of space become one."""
        space = shown.isspace()
        if remove_invisible(shown) and not (space and self._shown[-1:] in ([], [" "])):
            self._shown += " " if space else shown
            self._starts += [start] * (1 if space else len(shown))
            self._ends += [end] * (1 if space else len(shown))

    def finished(self) -> Iterator[ShownText]:
        """Yield the piece if it shows anything."""
        text = "".join(self._shown).rstrip()
        if text:
            yield ShownText(text, self._starts[: len(text)], self._ends[: len(text)])
