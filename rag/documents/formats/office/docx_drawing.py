"""Drawings in Word files: the boxes of text in them, charts, diagrams, pictures, embedded objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docx.oxml.ns import qn

from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.office.docx_package import BOX, WordPackage, root_of
from rag.documents.formats.office.office_chart import CHARTS, chart_blocks
from rag.documents.formats.office.office_drawing import (
    DIAGRAM,
    MAIN,
    RELATION,
    description,
    diagram_texts,
    paragraph_text,
)

if TYPE_CHECKING:
    from docx.opc.part import Part

VML = "{urn:schemas-microsoft-com:vml}"
OBJECT = "{urn:schemas-microsoft-com:office:office}OLEObject"
PICTURES = (qn("pic:pic"), f"{VML}imagedata")
PROPERTIES = (qn("wp:docPr"), qn("pic:cNvPr"))
PLAIN = "picture without text"


class DrawingReader:
    """Reads drawings. not_read: what of them can't be read, and how often."""

    def __init__(self, package: WordPackage) -> None:
        self._package = package
        self.not_read: Counter[str] = Counter()
        self._in_margin = False

    @contextmanager
    def of_a_margin(self) -> Iterator[None]:
        """Inside, a picture that nothing describes is taken for a logo, and not noted."""
        self._in_margin = True
        yield
        self._in_margin = False

    def boxes(self, element: Any) -> Iterator[Any]:
        """Yield the text boxes of a drawing that are in no other."""
        for child in element.iterchildren("*"):
            if child.tag == BOX:
                yield child
            else:
                yield from self.boxes(child)

    def blocks(self, element: Any, part: Part) -> Iterator[Block]:
        """Yield what a w:drawing, w:pict or w:object says beside its text boxes. part: the one that it stands in."""
        own = list(_outside_boxes(element))
        for each in own:
            if each.tag in CHARTS:
                yield from self._chart(self._package.related(part, each.get(f"{RELATION}id")))
            elif each.tag == f"{DIAGRAM}relIds":
                data = self._package.related(part, each.get(f"{RELATION}dm"))
                yield from (Block(text) for text in ([] if data is None else diagram_texts(root_of(data))))
            elif each.tag == f"{MAIN}p":
                yield Block(flat(paragraph_text(each)))
            elif each.tag == f"{VML}textpath":
                yield Block(flat(each.get("string") or ""))
        embedded = [each.get("ProgID") or "of an unknown kind" for each in own if each.tag == OBJECT]
        self.not_read.update(f"embedded object ({kind})" for kind in embedded)
        if not embedded:  # its picture is that of its first page
            yield from self._described(own)

    def _chart(self, part: Part | None) -> Iterator[Block]:
        if part is None:
            return
        title, *rows = chart_blocks(root_of(part))
        yield title
        yield from rows
        if not rows:
            self.not_read["chart without saved values"] += 1

    def _described(self, own: list[Any]) -> Iterator[Block]:
        """Yield what the author says that a drawing shows. own: its elements."""
        words = [description(each) for each in own if each.tag in PROPERTIES]
        words += [flat(each.get("alt") or "") for each in own if each.tag == f"{VML}shape"]
        named = next(filter(None, words), "")
        if named:
            yield Block(f"Picture: {named}")
        elif None not in words and not self._in_margin and any(each.tag in PICTURES for each in own):
            self.not_read[PLAIN] += 1


def _outside_boxes(element: Any) -> Iterator[Any]:
    """Yield the elements of a drawing; its text boxes have drawings of their own."""
    for child in element.iterchildren("*"):
        if child.tag != BOX:
            yield child
            yield from _outside_boxes(child)
