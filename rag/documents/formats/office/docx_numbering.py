"""The numbers that Word prints before the items of lists and before headings; the paragraphs do not hold them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from docx.oxml.ns import qn

from rag.documents.formats.office.list_labels import letter, ordinal, roman

LEVELS = 9
FORMATS: dict[str, Callable[[int], str]] = {
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "lowerLetter": letter,
    "upperLetter": lambda number: letter(number).upper(),
    "ordinal": ordinal,
    "decimalZero": lambda number: f"{number:02}",
    "bullet": lambda number: "",
    "none": lambda number: "",
}


class ListNumbers:
    """Counts the items of a document's lists. `of` is called once for each paragraph, in order."""

    def __init__(self, numbering: Any, styles: Any) -> None:
        """numbering, styles: the XML of these parts; None where the document has no lists."""
        lists = () if numbering is None else numbering
        self._abstract = {a.get(qn("w:abstractNumId")): a for a in lists if a.tag == qn("w:abstractNum")}
        self._lists = {num.get(qn("w:numId")): num for num in lists if num.tag == qn("w:num")}
        self._styles = {style.get(qn("w:styleId")): style for style in styles.iter(qn("w:style"))}
        self._counted: dict[str, list[int | None]] = {}  # by the abstract list, as lists may share one
        self._restarted: set[tuple[str, int]] = set()

    def of(self, paragraph: Any) -> str:
        """Return the number that is printed before a w:p element, "" where none is."""
        item = self._item(paragraph) if self._lists else None
        if item is None:
            return ""
        list_id, level = item
        definition = self._definition(self._lists[list_id])
        if definition is None:
            return ""
        levels = self._levels(list_id, definition)
        counted = self._count(list_id, definition.get(qn("w:abstractNumId"), ""), level, levels)
        own = levels.get(level)
        return "" if own is None else _label(own, level, counted, levels)

    def _item(self, paragraph: Any) -> tuple[str, int] | None:
        """Return the list and the level that a paragraph or its style names."""
        properties = paragraph.find(qn("w:pPr"))
        own = None if properties is None else properties.find(qn("w:numPr"))
        style = None if properties is None else _value(properties, "w:pStyle")
        list_id, level = _value(own, "w:numId"), _value(own, "w:ilvl")
        if list_id is None:
            names = []
            for each in self._style_and_bases(style):
                names.append(each.get(qn("w:styleId")))
                of_style = each.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
                if of_style is not None and (list_id := _value(of_style, "w:numId")) is not None:
                    level = level or _value(of_style, "w:ilvl") or self._level_of_style(list_id, names)
                    break
        number = int(level or 0)
        return (list_id, number) if list_id and list_id in self._lists and 0 <= number < LEVELS else None

    def _style_and_bases(self, style: str | None) -> Iterator[Any]:
        for _ in range(len(self._styles)):  # styles of a broken file may be based on each other
            if style not in self._styles:
                return
            yield self._styles[style]
            style = _value(self._styles[style], "w:basedOn")

    def _level_of_style(self, list_id: str, names: list[str]) -> str | None:
        definition = self._definition(self._lists[list_id]) if list_id in self._lists else None
        for level in () if definition is None else definition.iter(qn("w:lvl")):
            if _value(level, "w:pStyle") in names:
                return str(level.get(qn("w:ilvl")))
        return None

    def _definition(self, num: Any) -> Any:
        """Return the w:abstractNum of a list, found by a list style where it only names one."""
        definition = self._abstract.get(_value(num, "w:abstractNumId"))
        style = None if definition is None else self._styles.get(_value(definition, "w:numStyleLink"))
        of_style = None if style is None else style.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        other = self._lists.get(_value(of_style, "w:numId"))
        return definition if other is None else self._abstract.get(_value(other, "w:abstractNumId"))

    def _levels(self, list_id: str, definition: Any) -> dict[int, Any]:
        """Return the w:lvl elements by their number; a list may have its own in place of the shared ones."""
        own = [level for override in self._overrides(list_id).values() for level in override.iter(qn("w:lvl"))]
        return {int(level.get(qn("w:ilvl"), 0)): level for level in (*definition.iter(qn("w:lvl")), *own)}

    def _overrides(self, list_id: str) -> dict[int, Any]:
        return {int(each.get(qn("w:ilvl"), 0)): each for each in self._lists[list_id].iter(qn("w:lvlOverride"))}

    def _count(self, list_id: str, key: str, level: int, levels: dict[int, Any]) -> list[int]:
        """Count one more item, and return the numbers of all levels."""
        counted = self._counted.setdefault(key, [None] * LEVELS)
        override = self._overrides(list_id).get(level)
        again = _value(override, "w:startOverride")
        now = counted[level]
        if again is not None and (list_id, level) not in self._restarted:
            self._restarted.add((list_id, level))
            counted[level] = int(again)
        else:
            counted[level] = _start(levels.get(level)) if now is None else now + 1
        for deeper in range(level + 1, LEVELS):
            if _value(levels.get(deeper), "w:lvlRestart") != "0":
                counted[deeper] = None
        for outer in range(level):
            counted[outer] = _start(levels.get(outer)) if counted[outer] is None else counted[outer]
        return [number or 0 for number in counted]


def _start(level: Any) -> int:
    return int(_value(level, "w:start") or 1)


def _label(own: Any, level: int, counted: list[int], levels: dict[int, Any]) -> str:
    """Return the level's text, such as "%1.%2)", with the numbers in it."""
    if _value(own, "w:numFmt") == "bullet":
        return ""
    legal = own.find(qn("w:isLgl")) is not None

    def number(match: re.Match[str]) -> str:
        at = int(match[1]) - 1
        form = "decimal" if legal and at < level else _value(levels.get(at), "w:numFmt") or "decimal"
        return FORMATS[form](counted[at]) if form in FORMATS and 0 < counted[at] < 5000 else str(counted[at])

    return re.sub("%([1-9])", number, _value(own, "w:lvlText") or "").strip()


def _value(element: Any, name: str) -> str | None:
    """Return w:val of a child, None where there is no such element."""
    child = None if element is None else element.find(qn(name))
    return None if child is None else child.get(qn("w:val"))
