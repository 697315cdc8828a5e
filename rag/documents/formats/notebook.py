"""Jupyter notebooks: Markdown cells, code cells and the beginning of what they printed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.encoding import decode
from rag.documents.formats.limits import DEFAULTS
from rag.documents.formats.plain_text import parsed_markdown
from rag.documents.formats.sections import HeadingPath, Parsed, Section, sections_between
from rag.documents.formats.source_code import SYNTAX

LONGEST_OUTPUT = 1_000  # characters of a cell's output that are kept


def parse_notebook(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the cells of a notebook, format 3 or 4; headings of Markdown cells hold for the code cells that follow."""
    try:
        book = json.loads(decode(data))
        cells = list(_cells(book))
        syntax = SYNTAX.get(str(book.get("metadata", {}).get("language_info", {}).get("file_extension", ".py")))
    except json.JSONDecodeError as error:
        raise DocumentError(f"the notebook is not JSON ({error})", "copy it again") from error
    except (AttributeError, TypeError, KeyError, RecursionError) as error:
        raise DocumentError(
            "the notebook is not in Jupyter's format", "open it in Jupyter and save it again"
        ) from error
    return _joined(cells, syntax)


def _cells(book: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each cell, and of each output as a cell of its own."""
    sheets = book.get("worksheets") or [book]  # format 3 has its cells in worksheets
    if not any("cells" in sheet for sheet in sheets):
        raise KeyError("cells")
    for cell in (cell for sheet in sheets for cell in sheet["cells"]):
        yield cell["cell_type"], _text(cell.get("source", cell.get("input", "")))
        for output in cell.get("outputs") or []:
            shown = output.get("text") or output.get("data", {}).get("text/plain") or ""
            yield "output", _text(shown)[:LONGEST_OUTPUT]


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
