"""What drawings in Office files say: text of diagrams (SmartArt), and descriptions of pictures (alt text)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.documents.formats.base.alt_text import described
from rag.documents.formats.base.sections import flat

MAIN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
DECORATIVE = "{http://schemas.microsoft.com/office/drawing/2017/decorative}decorative"


def choose_alternatives(root: Any, text: str) -> None:
    """Keep one version of what a file has in several, for new and for old programs.

    text: the tag of an element with text; the version for new programs is kept unless only the other one has such.
    """
    for both in list(root.iter(f"{ALTERNATIVES}AlternateContent")):
        new, old = both.find(f"{ALTERNATIVES}Choice"), both.find(f"{ALTERNATIVES}Fallback")
        if new is None or (old is not None and not _has(new, text) and _has(old, text)):
            new = old
        for child in [] if new is None else list(new):
            both.addprevious(child)
        both.getparent().remove(both)


def _has(root: Any, tag: str) -> bool:
    return next(root.iter(tag), None) is not None


def diagram_texts(root: Any) -> Iterator[str]:
    """Yield the text of each box of a diagram. root: the XML of its data part."""
    for point in root.iter(f"{DIAGRAM}pt"):
        if point.get("type", "node") in ("node", "asst"):
            yield flat(" ".join(map(paragraph_text, point.iter(f"{MAIN}p"))))


def paragraph_text(paragraph: Any) -> str:
    """Return the text of a paragraph of DrawingML."""
    return "".join(node.text or "" for node in paragraph.iter(f"{MAIN}t"))


def description(properties: Any) -> str | None:
    """Return how a picture's author describes it; "" where nothing does, None for a decoration.

    properties: the element with `descr` and `title`, such as wp:docPr and p:cNvPr.
    """
    if next((mark for mark in properties.iter(DECORATIVE) if mark.get("val") in ("1", "true")), None) is not None:
        return None
    return described(properties.get("descr") or "") or described(properties.get("title") or "")
