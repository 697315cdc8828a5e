"""What a sheet of a workbook has beside its cells: defined tables, comments, text boxes, charts and pictures."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lxml import etree
from openpyxl.packaging.relationship import get_dependents, get_rels_path

from rag.documents.formats.base.sections import flat
from rag.documents.formats.office.office_chart import CHARTS, chart_blocks
from rag.documents.formats.office.office_drawing import MAIN, RELATION, choose_alternatives, description, paragraph_text
from rag.documents.formats.office.xlsx_sheet import Area

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
FOR_OLD_PROGRAMS = "[Threaded comment]"  # begins the copy of a newer comment


class SheetParts:
    """The parts of a workbook's file that belong to one sheet."""

    def __init__(self, archive: zipfile.ZipFile, path: str) -> None:
        """path: of the sheet's XML in the file."""
        self._archive = archive
        self._related = self._relations(path)

    def tables(self, ids: list[str]) -> list[tuple[Area, int]]:
        """Return the area of each defined table, and how many rows at its top name the columns. ids: of relations."""
        found = []
        for relation in self._related:
            if relation.Id in ids and (root := self._xml(relation.target)) is not None:
                found.append((Area.of(root.get("ref")), int(root.get("headerRowCount", 1))))
        return sorted(found, key=lambda table: (table[0].top, table[0].left))

    def comments(self) -> Iterator[tuple[str, str, str]]:
        """Yield the cell, the author and the text of each comment."""
        people = {each.get("id"): each.get("displayName", "") for each in self._people()}
        for root in self._parts("/threadedComment"):
            for each in root.iter("{*}threadedComment"):
                yield each.get("ref", ""), people.get(each.get("personId"), ""), flat(each.findtext("{*}text") or "")
        for root in self._parts("/comments"):
            authors = [flat(author.text or "") for author in root.iter("{*}author")]
            for each in root.iter("{*}comment"):
                text = flat("".join(node.text or "" for node in each.iter("{*}t")))
                if not text.startswith(FOR_OLD_PROGRAMS):
                    number = int(each.get("authorId", 0))
                    author = authors[number] if number < len(authors) else ""
                    yield each.get("ref", ""), author, text.removeprefix(f"{author}:").strip()

    def drawn(self, not_read: Counter[str]) -> Iterator[str]:
        """Yield the text of each text box, the title of each chart, and what pictures are said to show.

        not_read: gets what can't be read. The numbers of a chart stand in the cells.
        """
        for relation in self._related:
            if relation.Type.endswith("/drawing") and (root := self._xml(relation.target)) is not None:
                choose_alternatives(root, f"{MAIN}t")
                yield from (flat(paragraph_text(each)) for each in root.iter(f"{MAIN}p"))
                charts = {each.get(f"{RELATION}id") for each in root.iter(*CHARTS)}
                for part in self._relations(relation.target):
                    if part.Id in charts and (chart := self._xml(part.target)) is not None:
                        yield chart_blocks(chart)[0].text
                yield from _pictures(root, not_read)

    def _people(self) -> Iterator[Any]:
        for name in self._archive.namelist():
            if re.fullmatch(r"xl/persons/\w+\.xml", name):
                yield from etree.fromstring(self._archive.read(name)).iter("{*}person")

    def _parts(self, kind: str) -> Iterator[Any]:
        """Yield the XML of the parts to which there are relationships whose type ends so."""
        for relation in self._related:
            if relation.Type.endswith(kind) and (root := self._xml(relation.target)) is not None:
                yield root

    def _relations(self, path: str) -> list[Any]:
        rels = get_rels_path(path).removeprefix("/")
        return list(get_dependents(self._archive, rels)) if rels in self._archive.namelist() else []

    def _xml(self, path: str) -> Any:
        path = path.removeprefix("/")
        return etree.fromstring(self._archive.read(path)) if path in self._archive.namelist() else None


def _pictures(root: Any, not_read: Counter[str]) -> Iterator[str]:
    for each in root.iter(f"{DRAWING}cNvPr"):
        words = description(each)
        if words:
            yield f"Picture: {words}"
        elif words == "" and next(each.getparent().getparent().iterchildren(f"{DRAWING}blipFill"), None) is not None:
            not_read["picture without text"] += 1
