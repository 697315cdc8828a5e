"""The parts of a Word file beside its body: notes, comments, page headers and footers, charts and diagrams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from rag.documents.formats.office.docx_hidden import unwrap
from rag.documents.formats.office.office_drawing import choose_alternatives

if TYPE_CHECKING:
    from docx.opc.part import Part

BOX = qn("w:txbxContent")
PAGE = "\ue000"  # stands for the number of a page, until what is said with it is removed
MOST_COLUMNS = 63  # that a table of Word can have
PAGE_FIELDS = ("PAGE", "NUMPAGES", "SECTIONPAGES")


class WordPackage:
    """A Word file, opened. main: the part that holds its body."""

    def __init__(self, file: IO[bytes]) -> None:
        self.document = docx.Document(file)
        self.main: Part = self.document.part
        self.body = self._prepared(self.document.element.body)
        self._related: dict[str, dict[str, Any]] = {}

    def numbering(self) -> Any:
        """Return the XML of the lists, None where the file has none."""
        part = self._part(RELATIONSHIP_TYPE.NUMBERING)
        return None if part is None else root_of(part)

    def story(self, kind: str, id: str) -> tuple[Any, Part] | None:
        """Return a note or comment, and the part that it is in. kind: "footnotes", "endnotes" or "comments"."""
        part = self._part(f"{RELATIONSHIP_TYPE.FOOTNOTES.rpartition('/')[0]}/{kind}")
        if part is None:
            return None
        if kind not in self._related:
            root = self._prepared(root_of(part))
            self._related[kind] = {each.get(qn("w:id")): each for each in root.iterchildren("*")}
        found = self._related[kind].get(id)
        return None if found is None else (found, part)

    def page_margins(self) -> Iterator[tuple[str, Any, Part]]:
        """Yield each page header and footer that is printed: "header" or "footer", its XML, and its part."""
        even = self.document.settings.odd_and_even_pages_header_footer
        for section in self.body.iter(qn("w:sectPr")):
            title = section.find(qn("w:titlePg"))
            first = title is not None and title.get(qn("w:val")) not in ("0", "false")
            printed = {"default": True, "first": first, "even": even}
            for reference in section.iterchildren(qn("w:headerReference"), qn("w:footerReference")):
                part = self.related(self.main, reference.get(qn("r:id")))
                if part is not None and printed.get(reference.get(qn("w:type"), "default")):
                    kind = reference.tag.rpartition("}")[2].removesuffix("Reference")
                    yield kind, self._prepared(root_of(part), margin=True), part

    def related(self, part: Part, id: str | None) -> Part | None:
        """Return the part to which a relationship of `part` leads, None where it leads out of the file or nowhere."""
        relation = part.rels.get(id or "")
        return None if relation is None or relation.is_external else relation.target_part

    def _part(self, kind: str) -> Part | None:
        return next((r.target_part for r in self.main.rels.values() if r.reltype == kind and not r.is_external), None)

    def _prepared(self, root: Any, margin: bool = False) -> Any:
        """Return the XML with one version of everything, and what stands around words taken away."""
        choose_alternatives(root, BOX)
        for simple in root.iter(qn("w:fldSimple")) if margin else ():
            if is_page_field(simple.get(qn("w:instr"), "")):
                for text in simple.iter(qn("w:t")):
                    text.text = PAGE
        unwrap(root)
        return root


def root_of(part: Part) -> Any:
    """Return the XML of a part, also of one that python-docx does not know."""
    return part.element if hasattr(part, "element") else parse_xml(part.blob)


def is_page_field(code: str) -> bool:
    """Return whether a field's result is the number of a page or of all pages."""
    return code.split()[:1] != [] and code.split()[0].upper() in PAGE_FIELDS


def without_pages(words: str) -> str:
    """Return a line of a margin without numbers of pages, and without the words that only say what they are."""
    pages = rf"(\b(page|pg|p|seite|s|página|pagina|side|sida|strona)\b\.?\s*)?{PAGE}(\s*(of|von|de|di|/)\s*{PAGE})?"
    return re.sub(r"[\s|,;–—·-]+$|^[\s|,;–—·-]+", "", re.sub(pages, "", words, flags=re.I))


def columns_of(element: Any, properties: str, name: str, default: int) -> int:
    """Return a count of columns among an element's properties, not more than a table can have."""
    found = element.find(f"{qn(properties)}/{qn(name)}")
    value = str(default) if found is None else found.get(qn("w:val"), "")
    return min(int(value), MOST_COLUMNS) if value.isdecimal() else default
