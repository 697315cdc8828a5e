"""One slide of a PowerPoint file, shape by shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lxml import etree

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import progress
from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.office.office_chart import CHARTS, chart_blocks
from rag.documents.formats.office.office_drawing import (
    DIAGRAM,
    MAIN,
    RELATION,
    choose_alternatives,
    description,
    diagram_texts,
    paragraph_text,
)
from rag.documents.formats.office.pptx_text import frame_texts
from rag.documents.formats.tables.rows import table_blocks

if TYPE_CHECKING:
    from pptx.opc.package import Part
    from pptx.slide import Slide

PRESENTATION = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
FILMS = {f"{MAIN}videoFile": "video", f"{MAIN}audioFile": "sound", f"{MAIN}wavAudioFile": "sound"}
PICTURE = "[picture without text]"  # in a slide with nothing else, so that its title can be found


class SlideReader:
    """Reads one slide. not_read: what of it can't be read, and how often."""

    def __init__(self, slide: Slide, number: int, settings: DocumentSettings) -> None:
        """number: the slide's, from 1."""
        self.not_read: Counter[str] = Counter()
        self._slide, self._number, self._settings = slide, number, settings
        choose_alternatives(slide._element, f"{MAIN}t")

    def blocks(self) -> Iterator[Block]:
        """Yield the title, and then what the shapes, the notes and the comments say."""
        title = self._slide.shapes.title
        yield self._block((flat(title.text_frame.text) if title is not None else "") or f"Slide {self._number}", 1)
        body = [block for block in self._body(None if title is None else title.shape_id) if block.text]
        yield from body or [self._block(PICTURE)] * any(self.not_read.values())

    def _block(self, text: str, level: int = 0) -> Block:
        return Block(flat(text), level, self._number)

    def _body(self, title: int | None) -> Iterator[Block]:
        for shape in self._slide.shapes:
            if title is None or shape.shape_id != title:
                yield from self._shape(shape)
        frame = self._slide.notes_slide.notes_text_frame if self._slide.has_notes_slide else None
        if frame is not None and (notes := flat(frame.text)):
            yield self._block(f"Notes: {notes}")
        yield from self._comments()

    def _shape(self, shape: Any) -> Iterator[Block]:
        """Yield what a shape says, or the shapes of a group."""
        stack = [shape]
        while stack:
            progress()
            shape = stack.pop()
            properties = next(shape._element.iter(f"{PRESENTATION}cNvPr"), None)
            if properties is not None and properties.get("hidden") in ("1", "true") and not self._settings.hidden:
                continue
            if hasattr(shape, "shapes"):
                stack.extend(reversed(list(shape.shapes)))
            elif shape._element.tag == f"{PRESENTATION}graphicFrame":
                yield from self._frame(shape)
            elif shape._element.tag == f"{PRESENTATION}pic":
                yield from self._picture(shape, properties)
            elif shape.has_text_frame and not _is_number(shape):
                yield from map(self._block, frame_texts(shape.text_frame._txBody))
                yield from self._described(properties)

    def _frame(self, shape: Any) -> Iterator[Block]:
        """Yield a table, chart or diagram."""
        if shape.has_table:
            yield from table_blocks(_rows(shape.table), self._number)
        for root in (root for each in shape._element.iter(*CHARTS) for root in self._related(each, "id")):
            title, *rows = chart_blocks(root, self._number)
            yield from (title, *rows)
            self.not_read["chart without saved values"] += not rows
        for root in (root for each in shape._element.iter(f"{DIAGRAM}relIds") for root in self._related(each, "dm")):
            yield from map(self._block, diagram_texts(root))
        for element in shape._element.iter(f"{PRESENTATION}oleObj"):
            self.not_read[f"embedded object ({element.get('progId') or 'of an unknown kind'})"] += 1
        yield from self._described(next(shape._element.iter(f"{PRESENTATION}cNvPr"), None))

    def _picture(self, shape: Any, properties: Any) -> Iterator[Block]:
        films = [what for tag, what in FILMS.items() if next(shape._element.iter(tag), None) is not None]
        words = None if properties is None else description(properties)
        if words:
            yield self._block(f"Picture: {words}")
        for what in films or ["picture without text"] * (words == ""):
            self.not_read[what] += 1

    def _described(self, properties: Any) -> Iterator[Block]:
        words = None if properties is None else description(properties)
        if words:
            yield self._block(f"Picture: {words}")

    def _related(self, element: Any, name: str) -> list[Any]:
        """Return the XML of the part that an element names, as a list; an empty one where the file lacks it."""
        relation = self._slide.part.rels.get(element.get(f"{RELATION}{name}"))
        return [] if relation is None or relation.is_external else [_xml(relation.target_part)]

    def _comments(self) -> Iterator[Block]:
        count = 0
        for part in _parts(self._slide.part, "/comments"):
            for comment in _xml(part).iter("{*}cm", "{*}reply"):
                count += 1
                if self._settings.comments:
                    author = self._author(comment.get("authorId"))
                    yield self._block(f"Comment{f' by {author}' if author else ''}: {_comment_text(comment)}")
        if not self._settings.comments:
            self.not_read["comment: left out (documents.comments)"] += count

    def _author(self, id: str | None) -> str:
        for part in _parts(self._slide.part.package.presentation_part, "uthors"):
            for author in _xml(part).iter("{*}cmAuthor", "{*}author"):
                if author.get("id") == id:
                    return flat(author.get("name") or "")
        return ""


def _parts(part: Part, kind: str) -> Iterator[Part]:
    """Yield the parts to which a part has relationships whose type ends so."""
    yield from (r.target_part for r in part.rels.values() if r.reltype.endswith(kind) and not r.is_external)


def _xml(part: Part) -> Any:
    return etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))


def _comment_text(comment: Any) -> str:
    """Return the text of a comment of the older or the newer kind, without those that reply to it."""
    older = comment.findtext("{*}text")
    body = comment.find("{*}txBody")
    return older or " ".join(paragraph_text(p) for p in ([] if body is None else body.iter(f"{MAIN}p")))


def _is_number(shape: Any) -> bool:
    """Return whether a shape holds the slide's number."""
    return any(each.get("type") == "sldNum" for each in shape._element.iter(f"{PRESENTATION}ph"))


def _rows(table: Any) -> list[list[str]]:
    """Return the rows of a table, merged cells in each place that they cover; one over a whole row in the first."""
    rows = [[" ".join(frame_texts(cell.text_frame._txBody)) for cell in row.cells] for row in table.rows]
    for number, row in enumerate(table.rows):
        for column, cell in enumerate(row.cells):
            if cell.is_merge_origin:
                right = 1 if cell.span_width == len(rows[number]) else cell.span_width
                for each in rows[number : number + cell.span_height]:
                    each[column : column + right] = [rows[number][column]] * len(each[column : column + right])
    return rows
