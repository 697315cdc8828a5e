"""Plain text, Markdown and reStructuredText: the file's own text but for tables, headings are found in its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.limits import DEFAULTS
from rag.documents.formats.base.sections import Heading, HeadingPath, Parsed, sections_between
from rag.documents.formats.text.aligned_tables import aligned_tables
from rag.documents.formats.text.drawn_grids import grid_tables, lines_of
from rag.documents.formats.text.markdown_hidden import blanked, hidden_spans, without
from rag.documents.formats.text.markdown_tables import markdown_tables
from rag.documents.formats.text.pipe_rows import pipe_tables
from rag.documents.formats.text.text_tables import WrittenTables

ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+\s*")  # a line of one punctuation character, repeated
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
FRONT_MATTER_END = re.compile(r"---|\.\.\.")
LONGEST_TITLE = 80  # characters of a plain text's first line
LONGEST_FRONT_MATTER = 10_000  # characters; a rule that begins a text is not taken for front matter
SHORTEST_UNDERLINE = 4  # characters, with which docutils lets an underline pass that is shorter than its title


def parse_text(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the file's own text, with rows in place of tables that are surely some.

    A short first line that stands alone, or is underlined, is its title. Nothing else is surely a heading.
    """
    text = decode(data)
    drawn = lines_of(text)
    tables = grid_tables(text, drawn) or pipe_tables(text, drawn) or aligned_tables(text, drawn)
    written = WrittenTables(text, tables)
    heading = [] if tables and not text[: tables[0].start].strip() else list(_title(text))
    return Parsed(written.text, written.with_cells(sections_between(written.text, heading)))


def _title(text: str) -> Iterator[Heading]:
    lines = _lines(text)
    start, line = next(((start, line) for start, line in lines if line.strip()), (0, ""))
    title, after = line.strip(), next(lines, (0, ""))[1]
    alone = not after.strip() or _underlines(after, title)
    if alone and _looks_like_title(title) and text[start + len(line) :].strip(" \n=-_*~"):
        yield Heading(start, 1, title)


def _looks_like_title(line: str) -> bool:
    return len(line) <= LONGEST_TITLE and line[-1:].isalnum() and not line[0].isdigit()


def parse_markdown(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the file's own text, with rows in place of its tables; no section holds what is hidden in it.

    ATX (`## Title`) and setext (underlined) headings count, but not in fenced code and YAML front matter.
    """
    return parsed_markdown(decode(data))


def parsed_markdown(text: str, path: HeadingPath | None = None) -> Parsed:
    """Return Markdown text as `parse_markdown` does. path: as for `sections_between`."""
    hidden = hidden_spans(text)
    written = WrittenTables(text, markdown_tables(blanked(text, hidden)))
    hidden = written.moved(hidden)
    no_headings = sorted([*hidden, *((table.start, table.end) for table in written.tables)])
    headings = markdown_headings(blanked(written.text, no_headings))
    sections = without(sections_between(written.text, headings, path), hidden)
    return Parsed(written.text, written.with_cells(sections))


def markdown_headings(text: str) -> Iterator[Heading]:
    """Yield each heading of Markdown text."""
    fence, before, start_before, blank_before = "", "", 0, True
    for start, line in _lines_after_front_matter(text):
        if marks := _fence(line, fence):
            fence = "" if fence else marks
        level = 0 if fence else _underline_level(line)
        if level and blank_before and re.match(r" {0,3}[^\s#>|*+=`~-]", before):
            yield Heading(start_before, level, _heading_words(before))
        elif not fence and line.startswith("#") and (words := _heading_words(line)):
            yield Heading(start, len(line) - len(line.lstrip("#")), words)
        blank_before = not before.strip() or fence != "" or before.startswith("#")
        before, start_before = line, start


def _lines_after_front_matter(text: str) -> Iterator[tuple[int, str]]:
    beginning = text[4:LONGEST_FRONT_MATTER]
    front = text.startswith("---\n") and re.search(r"^(---|\.\.\.)[ \t]*$", beginning, re.M) is not None
    for start, line in _lines(text):
        if front:
            front = start == 0 or not FRONT_MATTER_END.fullmatch(line.rstrip())
        else:
            yield start, line


def _fence(line: str, opened: str) -> str:
    """Return the marks of a line that opens fenced code, or closes what was `opened`; "" for any other line."""
    if line.lstrip()[:3] not in ("```", "~~~"):
        return ""
    marks = FENCE.match(line)
    return marks[1] if marks and (not opened or marks[1].startswith(opened)) else ""


def _underline_level(line: str) -> int:
    level = {"=": 1, "-": 2}.get(line[:1], 0)
    return level if level and not line.rstrip().strip(line[0]) and line[:level] == level * line[0] else 0


def _heading_words(line: str) -> str:
    """Return the words of a heading's line, "" when its hashes are more than six or no space follows them."""
    words = line.lstrip("#").strip()
    hashes = len(line) - len(line.lstrip("#"))
    if hashes and (hashes > 6 or not line[hashes : hashes + 1].isspace()):
        return ""
    closed = words.rstrip("#")
    if not closed or closed[-1].isspace():
        words = closed.rstrip()  # hashes that close the heading; C# keeps its own
    return re.sub(r"[*`]", "", words)


def parse_rst(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the file's own text, with rows in place of its tables; titles are read as docutils reads them.

    A title is underlined, or under- and overlined, with punctuation. Each style is a level of its own, in order of
    appearance.
    """
    text = decode(data)
    written = WrittenTables(text, grid_tables(text, lines_of(text)))
    no_headings = [(table.start, table.end) for table in written.tables]
    sections = sections_between(written.text, _rst_headings(blanked(written.text, no_headings)))
    return Parsed(written.text, written.with_cells(sections))


def _rst_headings(text: str) -> Iterator[Heading]:
    styles: list[tuple[str, bool]] = []
    window: list[tuple[int, str]] = [(0, ""), (0, "")]  # the two lines before the current one
    for start, line in _lines(text):
        (over_at, over), (title_at, title) = window
        if title.strip() and ADORNMENT.fullmatch(line) and not ADORNMENT.fullmatch(title):
            overlined = over.strip() == line.strip()
            if _underlines(line, title.strip()) and (overlined or (not over.strip() and not title[0].isspace())):
                style = (line[0], overlined)
                if style not in styles:
                    styles.append(style)
                yield Heading(over_at if overlined else title_at, styles.index(style) + 1, title.strip())
        window = [window[1], (start, line)]


def _underlines(line: str, title: str) -> bool:
    """Return whether a line underlines the title: it is as long, or long enough for docutils."""
    long_enough = len(line.strip()) >= min(len(title), SHORTEST_UNDERLINE)
    return bool(title) and ADORNMENT.fullmatch(line) is not None and long_enough


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield where each line starts, and the line without its end."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1
