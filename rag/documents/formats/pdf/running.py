"""Running heads and feet of a PDF file, and its page numbers, which are no text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.documents.formats.pdf.page import Item, PdfLine

EDGE = 2  # lines at the top and at the bottom of a page that can be a running head or foot
Numbered = tuple[int, Item]  # the number of a page, and a line or table of it


def without_running_lines(pages: list[tuple[Item, ...]]) -> list[Numbered]:
    """Return the lines and tables of all pages in order, but running heads and feet, and page numbers."""
    running = _running_lines(pages)
    items = [(number, item) for number, page in enumerate(pages, 1) for item in page]
    return [each for each in items if each not in running] or items  # pages that are all the same are no heads and feet


def _running_lines(pages: list[tuple[Item, ...]]) -> set[Numbered]:
    """Return the running heads and feet.

    They stand in the same place at the edge of all pages but one at most, or of all right or left ones, and are the
    same but for numbers that count the pages.
    """
    alike: dict[tuple[str, int], list[tuple[int, PdfLine]]] = {}
    for number, page in enumerate(pages, 1):
        lines = sorted((item for item in page if isinstance(item, PdfLine)), key=lambda line: line.top)
        for line in dict.fromkeys(lines[:EDGE] + lines[-EDGE:]):
            alike.setdefault(line.place, []).append((number, line))
    everywhere = (found for found in alike.values() if _is_everywhere({number for number, _ in found}, len(pages)))
    numbers = {each for n, page in enumerate(pages, 1) for each in _bare_number(n, page)}
    return numbers | {each for found in everywhere if _counts_pages(found) for each in found}


def _is_everywhere(numbers: set[int], count: int) -> bool:
    sides = {number % 2 for number in numbers}
    expected = count if len(sides) > 1 else len(range(2 - max(sides), count + 1, 2))
    return len(numbers) > 1 and len(numbers) >= expected - 1


def _bare_number(number: int, page: tuple[Item, ...]) -> Iterator[Numbered]:
    """Yield the last line of a page where it is the page's number alone."""
    last = max((item for item in page if isinstance(item, PdfLine)), key=lambda line: line.top, default=None)
    if last and re.fullmatch(rf"[-–—]? ?{number} ?[-–—]?", last.text) and len(page) > 1:
        yield number, last


def _counts_pages(found: list[tuple[int, PdfLine]]) -> bool:
    """Return whether each number in the lines is the same on all pages, or goes up with them."""
    columns = zip(*([int(digits) for digits in re.findall(r"\d+", line.text)] for _, line in found), strict=True)
    pages = [number for number, _ in found]
    return all(
        len(set(column)) == 1 or len({value - page for value, page in zip(column, pages, strict=True)}) == 1
        for column in columns
    )
