"""The paragraphs of a text frame of a slide, with the numbers of lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rag.documents.formats.base.sections import flat
from rag.documents.formats.office.list_labels import letter, roman
from rag.documents.formats.office.office_drawing import MAIN
from rag.documents.formats.office.office_formula import MATH, formula_text

KIND = re.compile(r"(arabic|alphaLc|alphaUc|romanLc|romanUc)(Period|ParenR|ParenBoth|Plain|Minus)?")
AROUND = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})", "Minus": "{} -"}


def frame_texts(body: Any) -> Iterator[str]:
    """Yield the text of each paragraph that has any. body: the frame's XML."""
    counted: dict[int, int] = {}  # items so far of the list at each level
    for paragraph in body.iter(f"{MAIN}p"):
        properties = paragraph.find(f"{MAIN}pPr")
        level = int(properties.get("lvl", 0)) if properties is not None else 0
        numbering = None if properties is None else properties.find(f"{MAIN}buAutoNum")
        text = flat("".join(_parts(paragraph)))
        if not text:
            continue
        counted = {
            deep: count for deep, count in counted.items() if deep < level or (deep == level and numbering is not None)
        }
        if numbering is not None:
            counted[level] = counted.get(level, int(numbering.get("startAt", 1)) - 1) + 1
            text = f"{_label(numbering.get('type', ''), counted[level])} {text}"
        yield text


def _parts(paragraph: Any) -> Iterator[str]:
    for child in paragraph.iterchildren("*"):
        if child.tag == f"{MAIN}br":
            yield "\n"
        elif child.tag in (f"{MAIN}r", f"{MAIN}fld"):
            yield child.findtext(f"{MAIN}t") or ""
        elif child.tag.endswith("}m"):
            yield from (formula_text(formula) for formula in child.iter(f"{MATH}oMath"))


def _label(kind: str, number: int) -> str:
    form = KIND.fullmatch(kind)
    if form is None or number < 1:
        return f"{number}."
    name = form[1]
    text = str(number) if name == "arabic" else (letter if name.startswith("alpha") else roman)(number)
    return AROUND.get(form[2], "{}").format(text.upper() if name.endswith("Uc") else text)
