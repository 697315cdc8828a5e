"""The words of a Word paragraph in their order, and what else hangs on it: notes, comments, drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from rag.documents.formats.office.docx_hidden import HiddenText
from rag.documents.formats.office.office_formula import MATH, formula_text

FIXED = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
NOTES = {qn("w:footnoteReference"): "footnotes", qn("w:endnoteReference"): "endnotes"}
DRAWINGS = (qn("w:drawing"), qn("w:pict"), qn("w:object"))
DELETED = (qn("w:del"), qn("w:moveFrom"))
# Characters of fonts that hold pictures, as w:sym numbers them.
WINGDINGS = dict(zip((0xFC, 0xFB, 0xFE, 0xFD, 0xA8, 0x6F, 0xE0, 0xE8, 0x4A, 0x28, 0x2A), "✓✗☑☒☐☐→→☺☎✉", strict=True))
GREEK = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", "αβχδεφγηιϕκλμνοπθρστυϖωξψζ"
SIGNS = dict(zip((0xA3, 0xB3, 0xB1, 0xB4, 0xB0, 0xB9, 0xBB, 0xAE, 0xA5, 0xB7), "≤≥±×°≠≈→∞•", strict=True))
SYMBOL = {**SIGNS, **{start + n: c for start, row in zip((0x41, 0x61), GREEK, strict=True) for n, c in enumerate(row)}}


@dataclass
class Attached:
    """What hangs on paragraphs. notes: the part and the id of each; comments: their ids; drawings: elements."""

    notes: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    drawings: list[Any] = field(default_factory=list)


@dataclass
class _Field:
    """A field that is open: its code, and whether its result has begun."""

    code: str = ""
    has_result: bool = False


class ParagraphText:
    """Reads paragraphs one after the other, as their readers see them.

    deletions: whether words of tracked deletions are read. field_text: gives what stands for a field's result.
    """

    def __init__(self, deletions: bool, field_text: Callable[[str, str], str] = lambda code, text: text) -> None:
        self._hidden, self._deletions, self._field_text = HiddenText(), deletions, field_text
        self._fields: list[_Field] = []
        self.deleted = 0  # tracked deletions so far

    def of(self, paragraph: Paragraph, attached: Attached) -> str:
        """Return the paragraph's words; what hangs on it is added to `attached`."""
        text = "".join(self._inline(paragraph._p, paragraph, attached))
        # a field's code ends in its own paragraph; where a file is broken, the rest of it is not lost
        self._fields = [each for each in self._fields if each.has_result]
        return text

    def _inline(self, element: Any, paragraph: Paragraph, attached: Attached) -> Iterator[str]:
        for child in element.iterchildren("*"):
            if child.tag == qn("w:r"):
                yield from self._run(child, attached, self._hidden.has(Run(child, paragraph), paragraph))
            elif child.tag in DELETED:
                words = "".join(node.text or "" for node in child.iter(qn("w:delText")))
                if words.strip() and child.tag == qn("w:del"):
                    self.deleted += 1
                    yield f"[deleted: {words}]" if self._deletions else ""
            elif child.tag in (f"{MATH}oMath", f"{MATH}oMathPara"):
                yield f" {formula_text(child)} "
            elif child.tag != qn("w:pPr"):
                yield from self._inline(child, paragraph, attached)

    def _run(self, run: Any, attached: Attached, hidden: bool) -> Iterator[str]:
        for child in run.iterchildren("*"):
            name = child.tag.rpartition("}")[2]
            if name in ("fldChar", "instrText"):
                yield from self._field_part(child)
            elif hidden or any(not each.has_result for each in self._fields):
                continue  # or it is the code of a field
            elif name == "t":
                code = self._fields[-1].code if self._fields else ""
                yield self._field_text(code, child.text or "")
            elif name in FIXED:
                yield FIXED[name]
            elif name == "sym":
                yield _symbol(child)
            elif name == "ruby":
                yield "".join(node.text or "" for node in child.findall(f"{qn('w:rubyBase')}//{qn('w:t')}"))
            elif child.tag in NOTES:
                attached.notes.append((NOTES[child.tag], child.get(qn("w:id"))))
            elif name == "commentReference":
                attached.comments.append(child.get(qn("w:id")))
            elif child.tag in DRAWINGS:
                attached.drawings.append(child)

    def _field_part(self, part: Any) -> Iterator[str]:
        kind = part.get(qn("w:fldCharType"))
        if kind == "begin":
            self._fields.append(_Field())
            yield from _form_field(part)
        elif kind == "separate" and self._fields:
            self._fields[-1].has_result = True
        elif kind == "end" and self._fields:
            self._fields.pop()
        elif kind is None and self._fields:
            self._fields[-1].code += part.text or ""


def _form_field(begin: Any) -> Iterator[str]:
    """Yield what a form's check box or list shows; what is typed into a form's line is a field's result."""
    for box in begin.iter(qn("w:checkBox")):
        state = box.find(qn("w:checked"))
        state = box.find(qn("w:default")) if state is None else state
        yield "☐" if state is None or state.get(qn("w:val")) in ("0", "false") else "☒"
    for choice in begin.iter(qn("w:ddList")):
        chosen = choice.find(qn("w:result"))
        number = 0 if chosen is None else int(chosen.get(qn("w:val"), 0))
        yield from (entry.get(qn("w:val"), "") for entry in choice.findall(qn("w:listEntry"))[number : number + 1])


def _symbol(element: Any) -> str:
    font, code = element.get(qn("w:font"), ""), int(element.get(qn("w:char"), "0"), 16)
    if not 0xF000 <= code <= 0xF0FF:
        return chr(code) if code else ""
    known = SYMBOL if font == "Symbol" else WINGDINGS if font.startswith("Wingdings") else {}
    return known.get(code - 0xF000, "•")
