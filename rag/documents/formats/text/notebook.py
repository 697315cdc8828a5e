"""Jupyter notebooks: Markdown cells, code cells and the beginning of what they printed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.limits import DEFAULTS
from rag.documents.formats.base.sections import HeadingPath, Parsed, Section, counted, sections_between
from rag.documents.formats.base.source_code import SYNTAX
from rag.documents.formats.text.html import parse_page
from rag.documents.formats.text.plain_text import parsed_markdown

LONGEST_OUTPUT = 1_000  # characters of a cell's output that are kept
OLD_PICTURES = ("png", "jpeg", "svg")  # as format 3 names them
NO_WORDS = re.compile(r"<[^<>]*>")  # what stands for a picture, such as <Figure size 640x480 with 1 Axes>


def parse_notebook(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the cells of a notebook, format 3 or 4; headings of Markdown cells hold for the code cells that follow."""
    unread: Counter[str] = Counter()
    try:
        book = json.loads(decode(data))
        cells = list(_cells(book, unread))
        syntax = SYNTAX.get(str(book.get("metadata", {}).get("language_info", {}).get("file_extension", ".py")))
    except json.JSONDecodeError as error:
        raise DocumentError(f"the notebook is not JSON ({error})", "copy it again") from error
    except (AttributeError, TypeError, KeyError, RecursionError) as error:
        raise DocumentError(
            "the notebook is not in Jupyter's format", "open it in Jupyter and save it again"
        ) from error
    return _joined(cells, syntax)._replace(unread=counted(unread))


def _cells(book: dict[str, Any], unread: Counter[str]) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each cell, and of each output as a cell of its own. unread: gets what is not read."""
    sheets = book.get("worksheets") or [book]  # format 3 has its cells in worksheets
    if not any("cells" in sheet for sheet in sheets):
        raise KeyError("cells")
    for cell in (cell for sheet in sheets for cell in sheet["cells"]):
        yield cell["cell_type"], _text(cell.get("source", cell.get("input", "")))
        for output in cell.get("outputs") or []:
            shown = _output(output, unread)
            unread["long output: its beginning alone is read"] += len(shown) > LONGEST_OUTPUT
            yield "output", shown[:LONGEST_OUTPUT]


def _output(output: dict[str, Any], unread: Counter[str]) -> str:
    """Return what a cell printed, or the error that ended it."""
    if "ename" in output:
        return f"{output['ename']}: {output.get('evalue', '')}"
    data = output.get("data") or {}
    shown = _text(output.get("text") or data.get("text/plain") or "")
    if not shown and "text/html" in data:
        shown = parse_page(_text(data["text/html"])).text
    if any(kind.startswith("image/") or kind in OLD_PICTURES for kind in (*data, *output)):
        unread["picture without text"] += 1
        return "" if NO_WORDS.fullmatch(shown.strip()) else shown
    return shown


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def _joined(cells: list[tuple[str, str]], syntax: str | None) -> Parsed:
    parts: list[str] = []
    sections: list[Section] = []
    path: HeadingPath = []
    end = rows = 0
    for kind, text in cells:
        if text.strip():
            text = text.rstrip() + "\n\n"
            markdown = parsed_markdown(text, path) if kind == "markdown" else None
            text, inner, _ = markdown or Parsed(text, sections_between(text, (), path))
            code = syntax if kind == "code" else None
            shifted = [dataclasses.replace(section.shifted(end, rows), syntax=code) for section in inner]
            rows = max((cell.row + 1 for section in shifted for cell in section.cells), default=rows)
            sections += shifted
            parts.append(text)
            end += len(text)
    return Parsed("".join(parts), sections)
