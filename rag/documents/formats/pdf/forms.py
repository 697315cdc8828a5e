"""What a PDF page shows beside its content: the values of form fields, and what people noted on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.documents.formats.base.sections import flat
from rag.documents.formats.pdf.words import Word

if TYPE_CHECKING:
    from pdfplumber.page import Page

HIDDEN = 2 | 32  # flags of an annotation: hidden, and not shown on the screen
PASSWORD = 1 << 13  # flags of a field
PUSH_BUTTON = 1 << 16
NOT_SAID = ("Link", "Popup", "Widget", "Movie", "Screen", "3D", "Sound", "PrinterMark", "TrapNet")
UNNAMED = re.compile(r"(?i)(text|field|undefined|check ?box|untitled|button|combo ?box|group|choice)?[\W_\d]*")
SIZE = 10.0  # points; a field's own font size is often 0, for as large as fits
BESIDE = 30.0  # points between a field and its label at most


@dataclass(frozen=True)
class _Field:
    name: str
    value: str
    is_button: bool


def field_words(page: Page, shown: list[Word]) -> list[Word]:
    """Return the values of a page's form fields where they are shown: as they are beside their label, or named.

    shown: the words of the page.
    """
    found = []
    for note, box in _annotations(page):
        if _name(note.get("Subtype")) == "Widget" and (field := _field(note)):
            label = _label(field, box, shown)
            words = f"{label}: {field.value}" if label else field.value
            found.append(Word(words, box[0], box[1], box[2], min(box[3], box[1] + 1.4 * SIZE), SIZE))
    return found


def notes(page: Page) -> Iterator[tuple[float, str]]:
    """Yield how far down a page each note stands, and `Comment (author): text`, or the text alone of a text box."""
    for note, box in _annotations(page):
        kind, text = _name(note.get("Subtype")), flat(_text(note.get("Contents")))
        if text and kind == "FreeText":
            yield box[1], text
        elif text and kind not in NOT_SAID:
            author = flat(_text(note.get("T")))
            yield box[1], f"Comment ({author}): {text}" if author else f"Comment: {text}"


def _annotations(page: Page) -> Iterator[tuple[dict[str, Any], tuple[float, float, float, float]]]:
    from pdfminer.pdftypes import resolve1

    for reference in resolve1(page.page_obj.annots) or []:
        note = resolve1(reference)
        if not isinstance(note, dict):
            continue
        note = {key: value if key in ("Parent", "P", "Popup") else resolve1(value) for key, value in note.items()}
        rect = [resolve1(number) for number in note.get("Rect") or []]
        flags = note.get("F", 0)
        if len(rect) == 4 and not (isinstance(flags, int) and flags & HIDDEN):
            yield note, _box(page, *rect)


def _box(page: Page, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    """Return where a box stands on the page as it is shown, in points from its upper left corner."""
    from pdfminer.pdftypes import resolve1

    media = [resolve1(number) for number in page.page_obj.mediabox]
    width, height = media[2] - media[0], media[3] - media[1]
    corners = [(x0 - media[0], height - y0 + media[1]), (x1 - media[0], height - y1 + media[1])]
    for _ in range(page.rotation // 90):
        corners = [(height - y, x) for x, y in corners]
        width, height = height, width
    (ax, ay), (bx, by) = corners
    return (
        min(ax, bx) + page.bbox[0],
        min(ay, by) + page.bbox[1],
        max(ax, bx) + page.bbox[0],
        max(ay, by) + page.bbox[1],
    )


def _field(widget: dict[str, Any]) -> _Field | None:
    """Return the field of a widget, whose properties may stand with its parents; None where nothing is shown."""
    from pdfminer.pdftypes import resolve1

    names, properties, level = list[str](), dict[str, Any](), widget
    for _ in range(20):  # parents that are their own
        if "T" in level:
            names.insert(0, flat(_text(resolve1(level["T"]))))
        properties = {**{key: resolve1(value) for key, value in level.items()}, **properties}
        level = resolve1(level.get("Parent"))
        if not isinstance(level, dict):
            break
    flags, kind = properties.get("Ff", 0), _name(properties.get("FT"))
    name = flat(_text(properties.get("TU"))) or next((n for n in reversed(names) if not UNNAMED.fullmatch(n)), "")
    if not isinstance(flags, int) or flags & PASSWORD or kind == "Sig":
        return None
    if kind == "Btn":
        return None if flags & PUSH_BUTTON else _Field(name, _button_value(properties), True)
    values = properties.get("V")
    value = "; ".join(flat(_text(resolve1(v))) for v in (values if isinstance(values, list) else [values]))
    return _Field(name, value, False) if value.strip("; ") else None


def _button_value(properties: dict[str, Any]) -> str:
    state = _name(properties.get("AS", properties.get("V")))
    if state in ("", "Off"):
        return "no"
    return "yes" if re.fullmatch(r"(?i)yes|on|true|\d+|checked|x", state) else state


def _label(field: _Field, box: tuple[float, float, float, float], shown: list[Word]) -> str:
    """Return what names the field and does not stand before it already."""
    level = [word for word in shown if word.top < box[3] and word.bottom > box[1]]
    before = [word for word in level if word.x1 <= box[0] + 2]
    near, reached = "", box[0]
    for word in sorted(before, key=lambda word: -word.x1):
        if reached - word.x1 > BESIDE:
            break
        near, reached = f"{word.text} {near}".strip(), word.x0
    if near.endswith(":"):
        return ""
    after = sorted((word for word in level if 0 <= word.x0 - box[2] < BESIDE * 3), key=lambda word: word.x0)
    if field.name and field.name.lower() not in near.lower():
        return field.name
    return "" if near else " ".join(word.text for word in after) if field.is_button else ""


def _name(value: object) -> str:
    from pdfminer.psparser import PSLiteral

    name = value.name if isinstance(value, PSLiteral) else value
    return name.decode("latin-1") if isinstance(name, bytes) else name if isinstance(name, str) else ""


def _text(value: object) -> str:
    """Return a text string of a PDF file, which is in UTF-16, UTF-8 or nearly Latin-1."""
    from pdfminer.utils import decode_text

    if isinstance(value, bytes):
        return value[3:].decode("utf-8", "replace") if value.startswith(b"\xef\xbb\xbf") else decode_text(value)
    return value if isinstance(value, str) else _name(value)
