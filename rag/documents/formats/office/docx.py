"""Word files: everything that their readers see, also beside the text: boxes, notes, headers, comments, drawings."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import DEFAULTS, progress
from rag.documents.formats.base.sections import Block, Parsed, assemble, counted, flat
from rag.documents.formats.tables.rows import row_texts, table_blocks

if TYPE_CHECKING:
    from docx.opc.part import Part
    from docx.text.paragraph import Paragraph

    from rag.documents.formats.office.docx_package import WordPackage
    from rag.documents.formats.office.docx_text import Attached, ParagraphText

HEADING = re.compile(r"(Title)|Heading (\d)")
CONTENTS = re.compile(r"toc \d", re.I)  # the style of a line in a table of contents
NOTE_NAMES = {"footnotes": "Note", "endnotes": "Endnote"}


def parse_docx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return paragraphs and table rows, less what is hidden in them; Title and Heading styles are headings.

    Page headers and footers come first, each distinct one once, less what the body says too. Notes, text boxes,
    comments, charts and what pictures are said to show stand after the paragraph or table that they hang on. Word
    files have no pages until they are printed.
    """
    from rag.documents.formats.office.docx_package import WordPackage

    reader = _Reader(WordPackage(io.BytesIO(data)), settings)
    body = list(reader.body())
    parsed = assemble([*reader.page_margins({block.text for block in body}), *body])
    return parsed._replace(unread=reader.unread())


class _Reader:
    """Reads the parts of one Word file."""

    def __init__(self, package: WordPackage, settings: DocumentSettings) -> None:
        from rag.documents.formats.office.docx_drawing import DrawingReader
        from rag.documents.formats.office.docx_numbering import ListNumbers
        from rag.documents.formats.office.docx_text import ParagraphText

        self._package, self._settings = package, settings
        self._text = ParagraphText(settings.deletions)
        self._numbers = ListNumbers(package.numbering(), package.document.styles.element)
        self._drawings = DrawingReader(package)
        self._notes: dict[tuple[str, str], int] = {}
        self._style_names: dict[str | None, str] = {}
        self._comments = 0

    def unread(self) -> tuple[str, ...]:
        """Return what was not read, one line each."""
        left_out = {"comment: left out (documents.comments)": self._comments}
        if not self._settings.deletions:
            left_out["tracked deletion: left out (documents.deletions)"] = self._text.deleted
        return (*counted(self._drawings.not_read), *counted(left_out))

    def body(self) -> Iterator[Block]:
        """Yield the blocks of the body."""
        return self._blocks(self._package.body, self._package.main, self._text)

    def page_margins(self, body: set[str]) -> list[Block]:
        """Return a block for each distinct page header and footer, without the numbers of pages.

        body: the texts of the body; a line that is one of them, such as the title, is left out.
        """
        from rag.documents.formats.office.docx_package import PAGE, is_page_field, without_pages
        from rag.documents.formats.office.docx_text import ParagraphText

        text = ParagraphText(self._settings.deletions, lambda code, words: PAGE if is_page_field(code) else words)
        found: dict[str, None] = {}
        for kind, root, part in self._package.page_margins():
            with self._drawings.of_a_margin():
                lines = [without_pages(block.text) for block in self._blocks(root, part, text)]
            words = "; ".join(line for line in lines if line and line not in body)
            if re.search(r"\w", words):
                found[f"Page {kind}: {words}"] = None
        return [Block(line) for line in found]

    def _blocks(self, container: Any, part: Part, text: ParagraphText) -> Iterator[Block]:
        """Yield the paragraphs and tables of a body, box, note or margin, each with what hangs on it."""
        from docx.oxml.ns import qn

        from rag.documents.formats.office.docx_text import Attached

        for element in container.iterchildren(qn("w:p"), qn("w:tbl"), qn("w:altChunk")):
            progress()
            attached = Attached()
            if element.tag == qn("w:p"):
                yield self._paragraph(element, text, attached)
            elif element.tag == qn("w:tbl"):
                rows, header = self._table(element, text, attached)
                yield from table_blocks(rows, header=header or None)
            else:
                self._drawings.not_read["another document put in"] += 1
            yield from self._after(attached, part, text)

    def _paragraph(self, element: Any, text: ParagraphText, attached: Attached) -> Block:
        from docx.text.paragraph import Paragraph

        paragraph = Paragraph(element, self._package.document)
        style = self._style_name(paragraph)
        heading, number = HEADING.fullmatch(style), self._numbers.of(element)
        words = flat(text.of(paragraph, attached))
        if CONTENTS.fullmatch(style) or not words:
            return Block("")
        level = (1 if heading[1] else int(heading[2]) + 1) if heading else 0
        return Block(f"{number} {words}" if number else words, level)

    def _style_name(self, paragraph: Paragraph) -> str:
        """Return what the paragraph's style is called; python-docx searches long for each."""
        id = paragraph._p.style
        if id not in self._style_names:
            self._style_names[id] = (paragraph.style.name if paragraph.style else "") or ""
        return self._style_names[id]

    def _table(self, table: Any, text: ParagraphText, attached: Attached) -> tuple[list[list[str]], int]:
        """Return the rows, merged cells in each place that they cover, and how many of them are marked as a header."""
        from docx.oxml.ns import qn

        rows: list[list[str]] = []
        header = 0
        for row in table.iterchildren(qn("w:tr")):
            progress()
            if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None and not self._settings.deletions:
                continue
            marked = row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}")
            if header == len(rows) and marked is not None and marked.get(qn("w:val")) not in ("0", "false"):
                header += 1
            rows.append(self._row(row, rows[-1] if rows else [], text, attached))
        width = max(map(len, rows), default=0)
        return [row + [""] * (width - len(row)) for row in rows], header

    def _row(self, row: Any, above: list[str], text: ParagraphText, attached: Attached) -> list[str]:
        from docx.oxml.ns import qn

        from rag.documents.formats.office.docx_package import columns_of

        cells = [""] * columns_of(row, "w:trPr", "w:gridBefore", 0)
        for cell in row.iterchildren(qn("w:tc")):
            down, right = (cell.find(f"{qn('w:tcPr')}/{qn(name)}") for name in ("w:vMerge", "w:hMerge"))
            if down is not None and down.get(qn("w:val"), "continue") == "continue":
                words = above[len(cells)] if len(cells) < len(above) else ""
            elif right is not None and right.get(qn("w:val"), "continue") == "continue":
                words = cells[-1] if cells else ""
            else:
                words = flat("\n".join(self._cell(cell, text, attached)))
            cells += [words] * max(1, columns_of(cell, "w:tcPr", "w:gridSpan", 1))
        alone = len(list(row.iterchildren(qn("w:tc")))) == 1
        return cells[:1] if alone else cells

    def _cell(self, cell: Any, text: ParagraphText, attached: Attached) -> Iterator[str]:
        from docx.oxml.ns import qn

        for element in cell.iterchildren(qn("w:p"), qn("w:tbl")):
            if element.tag == qn("w:p"):
                yield self._paragraph(element, text, attached).text
            else:
                yield from row_texts(self._table(element, text, attached)[0])

    def _after(self, attached: Attached, part: Part, text: ParagraphText) -> Iterator[Block]:
        """Yield what hangs on a paragraph or table."""
        for element in attached.drawings:
            for box in self._drawings.boxes(element):
                yield from self._blocks(box, part, text)
            yield from self._drawings.blocks(element, part)
        for kind, id in attached.notes:
            if (kind, id) not in self._notes:
                self._notes[kind, id] = 1 + sum(other == kind for other, _ in self._notes)
                yield from self._story(kind, id, f"{NOTE_NAMES[kind]} {self._notes[kind, id]}")
        for id in attached.comments:
            yield from self._comment(id)

    def _comment(self, id: str) -> Iterator[Block]:
        from docx.oxml.ns import qn

        found = self._package.story("comments", id)
        if found is not None and not self._settings.comments:
            self._comments += 1
        elif found is not None:
            author = flat(found[0].get(qn("w:author")) or "")
            yield from self._story("comments", id, f"Comment by {author}" if author else "Comment")

    def _story(self, kind: str, id: str, name: str) -> Iterator[Block]:
        """Yield a note or comment: its first block begins with its name."""
        found = self._package.story(kind, id)
        blocks = [] if found is None else [block for block in self._blocks(*found, self._text) if block.text]
        for number, block in enumerate(blocks):
            yield Block(block.text if number else f"{name}: {block.text}", cells=() if not number else block.cells)
