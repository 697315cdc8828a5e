"""What readers of a Word file see: tracked insertions and what content controls hold, but no hidden runs, white ones on white, and those too small to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn
from docx.text.hyperlink import Hyperlink
from docx.text.paragraph import Paragraph

SMALL = 3.0  # points; print below it is not meant to be read
LIGHT = 0xF0  # least of each part of a light colour, 255 being white
AROUND = [
    qn(f"w:{name}") for name in ("sdt", "ins", "moveTo", "customXml", "smartTag", "fldSimple", "dir", "bdo")
]  # what can stand around words
Look = tuple[bool | None, float | None, tuple[int, int, int] | None]


def unwrap(body: Any) -> None:
    """Put what tracked insertions, content controls and the like hold in their place, since python-docx passes over them. Controls that show nobody's words,
    a table of contents or "Click here to enter text", are taken out."""
    for outer in list(body.iter(*AROUND)):
        content = outer.find(qn("w:sdtContent"))
        for child in [] if _is_filled_by_word(outer) else list(outer if content is None else content):
            outer.addprevious(child)
        outer.getparent().remove(outer)


def _is_filled_by_word(outer: Any) -> bool:
    properties = outer.find(qn("w:sdtPr"))
    gallery = None if properties is None else next(properties.iter(qn("w:docPartGallery")), None)
    contents = gallery is not None and gallery.get(qn("w:val")) == "Table of Contents"
    return contents or properties is not None and properties.find(qn("w:showingPlcHdr")) is not None


class Eyes:
    """Reads one document's paragraphs as its readers see them."""

    def __init__(self) -> None:
        self._looks: dict[
            tuple[type, str | None], Look
        ] = {}  # of styles, by what they style and their id: python-docx searches long for each

    def text(self, paragraph: Paragraph) -> str:
        """-> the paragraph's text, that of its links included, without runs that are not seen."""
        items = (
            run
            for item in paragraph.iter_inner_content()
            for run in (item.runs if isinstance(item, Hyperlink) else (item,))
        )
        return "".join(run.text for run in items if not self._is_unseen(run, paragraph))

    def _is_unseen(self, run: Any, paragraph: Paragraph) -> bool:
        looks = [_look([run.font])] if run._r.rPr is not None else []
        looks += [self._style(run, run._r.style), self._style(paragraph, paragraph._p.style)]
        hidden, size, color = (
            next((value for value in values if value is not None), None) for values in zip(*looks, strict=True)
        )
        white = color is not None and min(color) >= LIGHT
        return bool(hidden) or size is not None and size < SMALL or white and not _has_ground(run, paragraph)

    def _style(self, styled: Any, id: str | None) -> Look:
        key = type(styled), id
        if key not in self._looks:
            self._looks[key] = _look([style.font for style in _styles(styled.style)])
        return self._looks[key]


def _look(fonts: list[Any]) -> Look:
    """-> hidden, size in points, colour; each as the first font has it that says so, else None."""
    sizes = (font.size.pt for font in fonts if font.size is not None)
    hidden, colors = (
        (font.hidden for font in fonts if font.hidden is not None),
        (font.color.rgb for font in fonts if font.color.rgb is not None),
    )
    return next(hidden, None), next(sizes, None), next(colors, None)


def _styles(style: Any) -> Iterator[Any]:
    while style is not None:
        if hasattr(style, "font"):
            yield style
        style = style.base_style


def _has_ground(run: Any, paragraph: Paragraph) -> bool:
    """Whether anything lends the run a background of its own: highlighting, or shading of the run, the paragraph, their styles, or the table's cell or
    style."""
    marks = (qn("w:highlight"), qn("w:shd"))
    near = [
        run._r.rPr,
        paragraph._p.pPr,
        *(style.element for style in (*_styles(run.style), *_styles(paragraph.style))),
    ]
    near += [
        properties
        for cell in paragraph._p.iterancestors(qn("w:tc"), qn("w:tbl"))
        for properties in cell.iterchildren(qn("w:tcPr"), qn("w:tblPr"))
    ]
    return any(
        found.get(qn("w:fill"), "dark").lower() not in ("auto", "ffffff")
        for each in near
        if each is not None
        for found in each.iter(*marks)
    ) or any(
        each is not None and each.tag == qn("w:tblPr") and each.find(qn("w:tblStyle")) is not None for each in near
    )
