"""What readers of a Word file see.

They see tracked insertions and what content controls hold, but no hidden text, no white text on white, and none too
small to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from docx.oxml.ns import qn

if TYPE_CHECKING:
    from docx.text.font import Font
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run

TOO_SMALL = 3.0  # points; print below it is not meant to be read
LIGHT = 0xF0  # the least red, green and blue of a light colour, white having 255
# Elements that can stand around words.
AROUND = tuple(qn(f"w:{name}") for name in ("sdt", "ins", "moveTo", "customXml", "smartTag", "fldSimple", "dir", "bdo"))
BACKGROUNDS = (qn("w:highlight"), qn("w:shd"))
Value = TypeVar("Value")


class FontStyle(NamedTuple):
    """How text is printed: hidden, size in points, colour; None where nothing says so."""

    hidden: bool | None
    size: float | None
    color: tuple[int, int, int] | None


def unwrap(body: Any) -> None:
    """Put what tracked insertions, content controls and the like hold in their place: python-docx passes over them.

    Controls that hold nobody's words, a table of contents or "Click here to enter text", are removed.
    """
    for outer in list(body.iter(*AROUND)):
        content = outer.find(qn("w:sdtContent"))
        for child in [] if _is_filled_by_word(outer) else list(outer if content is None else content):
            outer.addprevious(child)
        outer.getparent().remove(outer)


def _is_filled_by_word(outer: Any) -> bool:
    properties = outer.find(qn("w:sdtPr"))
    if properties is None:
        return False
    gallery = next(properties.iter(qn("w:docPartGallery")), None)
    contents = gallery is not None and gallery.get(qn("w:val")) == "Table of Contents"
    return contents or properties.find(qn("w:showingPlcHdr")) is not None


class HiddenText:
    """Tells which text of a document its readers do not see."""

    def __init__(self) -> None:
        # By what a style is for and its id: python-docx searches long for each.
        self._styles: dict[tuple[type, str | None], FontStyle] = {}

    def has(self, run: Run, paragraph: Paragraph) -> bool:
        """Return whether a run of the paragraph is hidden, as white as the paper, or too small to read."""
        own = [_font_style([run.font])] if run._r.rPr is not None else []
        styles = [*own, self._style(run, run._r.style), self._style(paragraph, paragraph._p.style)]
        size, color = _first(style.size for style in styles), _first(style.color for style in styles)
        if _first(style.hidden for style in styles) or (size is not None and size < TOO_SMALL):
            return True
        return color is not None and min(color) >= LIGHT and not _has_background(run, paragraph)

    def _style(self, styled: Run | Paragraph, id: str | None) -> FontStyle:
        key = type(styled), id
        if key not in self._styles:
            self._styles[key] = _font_style([style.font for style in _style_and_bases(styled.style)])
        return self._styles[key]


def _font_style(fonts: list[Font]) -> FontStyle:
    """Return each property as the first font has it that says so."""
    return FontStyle(
        _first(font.hidden for font in fonts),
        _first(font.size.pt if font.size is not None else None for font in fonts),
        _first(font.color.rgb for font in fonts),
    )


def _first(values: Iterable[Value | None]) -> Value | None:
    return next((value for value in values if value is not None), None)


def _style_and_bases(style: Any) -> Iterator[Any]:
    while style is not None:
        if hasattr(style, "font"):
            yield style
        style = style.base_style


def _has_background(run: Run, paragraph: Paragraph) -> bool:
    """Return whether anything lends the run a background of its own.

    It may be highlighting, or shading of the run, the paragraph, their styles, or the table's cell or style.
    """
    styles = [style.element for style in (*_style_and_bases(run.style), *_style_and_bases(paragraph.style))]
    cells = [
        properties
        for cell in paragraph._p.iterancestors(qn("w:tc"), qn("w:tbl"))
        for properties in cell.iterchildren(qn("w:tcPr"), qn("w:tblPr"))
    ]
    for each in (run._r.rPr, paragraph._p.pPr, *styles, *cells):
        if each is None:
            continue
        if any(found.get(qn("w:fill"), "dark").lower() not in ("auto", "ffffff") for found in each.iter(*BACKGROUNDS)):
            return True
        if each.tag == qn("w:tblPr") and each.find(qn("w:tblStyle")) is not None:
            return True
    return False
