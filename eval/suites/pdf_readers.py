"""PDF readers side by side on the layouts of pdf_layouts/: words in right order, cells in right place, seconds, memory.

Readers that are not installed are left out; ragtune is always there.
"""

from __future__ import annotations

import importlib.util
import io
import json
import multiprocessing
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

LAYOUTS = Path(__file__).parent / "pdf_layouts"
Cells = set[tuple[str, str, str]]  # row, column, value of each cell of a body row, as `plain` gives them
Read = tuple[str, Cells]


def plain(text: str) -> str:
    """Return the text as it is compared: Unicode forms folded, in lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def words(text: str) -> list[str]:
    """Return the words of a text; inner hyphens, points and commas belong to them."""
    return re.findall(r"\w+(?:[-.,']\w+)*", plain(text))


def order(gold: Iterable[str], text: str) -> tuple[float, float]:
    """Return the share of neighbouring gold words that stand so, and that of gold words in the longest common order."""
    blocks, found = [words(block) for block in gold], words(text)
    wanted = Counter(pair for block in blocks for pair in pairwise(block))
    kept = wanted & Counter(pairwise(found))
    flat = [word for block in blocks for word in block]
    return kept.total() / wanted.total(), common(flat, found) / len(flat)


def common(first: list[str], second: list[str]) -> int:
    """Return the length of the longest common subsequence."""
    lengths = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for n, other in enumerate(second, 1):
            before, lengths[n] = lengths[n], before + 1 if word == other else max(lengths[n], lengths[n - 1])
    return lengths[-1]


def grid_cells(rows: list[list[str | None]]) -> Cells:
    """Return the cells of a table whose first row names the columns; a table of two columns also without a header.

    None: the cell is part of the one before it (first row) or above it (first column).
    """
    cells: Cells = set()
    head, name = [plain(cell or "") for cell in rows[0]] if len(rows[0]) > 2 else ["", ""], ""
    head = [cell or head[n - 1] if rows[0][n] is None else cell for n, cell in enumerate(head)]
    for row in rows if not any(head) else rows[1:]:
        name = name if row[0] is None else plain(row[0])
        cells |= {(name, column, plain(cell)) for column, cell in zip(head[1:], row[1:], strict=False) if name and cell}
    return cells


def _pypdfium2(data: bytes) -> Read:
    import pypdfium2

    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data)), set()


def _pdfplumber(data: bytes) -> Read:
    import pdfplumber

    with pdfplumber.open(io.BytesIO(data)) as pdf:
        tables = [grid_cells(table) for page in pdf.pages for table in page.extract_tables()]
        return "\n".join(page.extract_text() for page in pdf.pages), set().union(*tables)


def _pypdf(data: bytes) -> Read:
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages), set()


def _pdfminer(data: bytes) -> Read:
    from pdfminer.high_level import extract_text

    return extract_text(io.BytesIO(data)), set()


def _docling_parse(data: bytes) -> Read:
    from docling_core.types.doc.page import TextCellUnit
    from docling_parse.pdf_parser import DoclingPdfParser

    document = DoclingPdfParser().load(io.BytesIO(data))
    pages = [page.iterate_cells(TextCellUnit.LINE) for _, page in document.iterate_pages()]
    return "\n".join(cell.text for page in pages for cell in page), set()


def _markitdown(data: bytes) -> Read:
    from markitdown import MarkItDown

    text = MarkItDown().convert_stream(io.BytesIO(data), file_extension=".pdf").text_content
    tables = re.findall(r"(?:^\|.*\|\n?)+", text, re.M)
    grids = [[[cell.strip() for cell in row.strip("|\n ").split("|")] for row in t.splitlines()] for t in tables]
    return text, set().union(
        *(grid_cells([row for row in grid if not set("".join(row)) <= {"-", " "}]) for grid in grids)
    )


def _ragtune(data: bytes) -> Read:
    from rag.documents.formats.pdf.reader import parse_pdf

    parsed = parse_pdf(data)
    cells = [(cell, parsed.text[cell.start : cell.end]) for section in parsed.sections for cell in section.cells]
    return parsed.text, {(plain(cell.row_name), plain(cell.column), plain(value)) for cell, value in cells}


READERS: dict[str, Callable[[bytes], Read]] = {
    "pypdfium2": _pypdfium2,
    "pdfplumber": _pdfplumber,
    "pypdf": _pypdf,
    "pdfminer.six": _pdfminer,
    "docling-parse": _docling_parse,
    "markitdown": _markitdown,
    "ragtune": _ragtune,
}


def compare(only: str = "") -> dict[str, dict[str, Any]]:
    """Return the figures of each installed reader, and the score of each layout. only: a part of layouts' names."""
    installed = [name for name in READERS if name == "ragtune" or importlib.util.find_spec(_module(name))]
    context = multiprocessing.get_context("spawn")
    results = {}
    for name in installed:
        with context.Pool(1) as pool:  # a process of its own, for its memory
            results[name] = pool.apply(_measure, (name, only))
    return results


def as_text(found: dict[str, dict[str, Any]]) -> str:
    """Return the figures of all readers as a Markdown table."""
    lines = ["| reader | neighbouring words | words in order | cells in place | CPU s | peak MB |", "|-|-|-|-|-|-|"]
    for name, reader in found.items():
        shares = " | ".join(f"{reader[measure]:.3f}" for measure in ("pairs", "order", "cells"))
        lines.append(f"| {name} | {shares} | {reader['seconds']:.2f} | {reader['megabytes']} |")
    return "\n".join(lines)


def _module(reader: str) -> str:
    return reader.replace(".six", "").replace("-", "_")


def _measure(name: str, only: str) -> dict[str, Any]:
    layouts = dict(_scores(READERS[name], only))
    each = list(layouts.values())
    cells = [layout["cells"] for layout in each if layout["cells"] is not None]
    return {
        "pairs": sum(layout["pairs"] for layout in each) / len(each),
        "order": sum(layout["order"] for layout in each) / len(each),
        "cells": sum(cells) / max(1, len(cells)),
        "seconds": sum(layout["seconds"] for layout in each),
        "megabytes": _peak_megabytes(),
        "layouts": layouts,
    }


def _scores(read: Callable[[bytes], Read], only: str) -> Iterator[tuple[str, dict[str, Any]]]:
    read((LAYOUTS / "web-sheet.pdf").read_bytes())  # imports are not timed
    for name, gold in json.loads((LAYOUTS / "gold.json").read_text()).items():
        if only not in name:
            continue
        start = time.process_time()
        try:
            text, cells = read((LAYOUTS / f"{name}.pdf").read_bytes())
        except Exception:  # noqa: BLE001 - a reader that fails has read nothing
            text, cells = "", set()
        seconds = time.process_time() - start
        pairs, in_order = order(gold["text"], text)
        wanted = set().union(*map(grid_cells, gold["tables"]))
        right = sum(
            any((row == r or r.startswith(f"{row}, ")) and column in c and value == v for r, c, v in cells)
            for row, column, value in wanted
        )
        share = right / len(wanted) if wanted else None
        yield name, {"pairs": pairs, "order": in_order, "cells": share, "seconds": seconds}


def _peak_megabytes() -> int:
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(peak[1]) // 1024 if peak else 0
