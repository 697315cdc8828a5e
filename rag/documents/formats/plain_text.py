"""Plain text, Markdown and reStructuredText: spans are those of the file itself, headings are found in its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.core.sections import DocumentSettings
from rag.documents.formats.encoding import decode
from rag.documents.formats.limits import DEFAULTS
from rag.documents.formats.markdown_hidden import blanked, hidden_spans, without
from rag.documents.formats.sections import Mark, Parsed, Path, Section, sections_between

ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+\s*")  # a line of one punctuation character, repeated
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
TITLE = 80  # most characters of a plain text's first line that is taken for its title


def parse_text(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """A short first line that stands alone, or is underlined, is the title; nothing else in plain text is surely a heading."""
    text = decode(data)
    lines = _lines(text)
    first = next(((start, line) for start, line in lines if line.strip()), (0, ""))
    title, after = first[1].strip(), next(lines, (0, ""))[1]
    alone = not after.strip() or _underlines(after, title)
    if (
        alone
        and len(title) <= TITLE
        and title[-1:].isalnum()
        and not title[0].isdigit()
        and text[first[0] + len(first[1]) :].strip(" \n=-_*~")
    ):
        return text, sections_between(text, [(first[0], 1, title)])
    return text, [Section(0, len(text))]


def parse_markdown(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """ATX (`## Title`) and setext (underlined) headings; fenced code and YAML front matter are not searched for them. No section holds comments."""
    text = decode(data)
    return text, markdown_sections(text)


def markdown_sections(text: str, path: Path | None = None) -> list[Section]:
    """-> sections of Markdown text, without what is hidden in it. path: see `sections_between`."""
    hidden = hidden_spans(text)
    return without(sections_between(text, markdown_marks(blanked(text, hidden)), path), hidden)


def markdown_marks(text: str) -> Iterator[Mark]:
    """-> where each heading of Markdown text stands."""
    fence, before, start_before, blank_before = "", "", 0, True
    front = text.startswith("---\n") and re.search(r"^(---|\.\.\.)[ \t]*$", text[4:10_000], re.M) is not None
    for start, line in _lines(text):
        if front:
            front = not (start and re.fullmatch(r"---|\.\.\.", line.rstrip()))
            continue
        if (
            line.lstrip()[:3] in ("```", "~~~")
            and (mark := FENCE.match(line))
            and (not fence or mark[1].startswith(fence))
        ):
            fence = "" if fence else mark[1]
        level = 0 if fence else _underline_level(line)
        if level and blank_before and re.match(r" {0,3}[^\s#>|*+=`~-]", before):
            yield start_before, level, _heading_words(before)
        elif not fence and line.startswith("#") and (words := _heading_words(line)):
            yield start, len(line) - len(line.lstrip("#")), words
        blank_before = not before.strip() or fence != "" or before.startswith("#")
        before, start_before = line, start


def _underline_level(line: str) -> int:
    level = {"=": 1, "-": 2}.get(line[:1], 0)
    return level if level and not line.rstrip().strip(line[0]) and line[:level] == level * line[0] else 0


def _heading_words(line: str) -> str:
    """-> the words of a heading's line, "" when its hashes are more than six or no space follows them."""
    words = line.lstrip("#").strip()
    hashes = len(line) - len(line.lstrip("#"))
    if hashes and (hashes > 6 or not line[hashes : hashes + 1].isspace()):
        return ""
    closed = words.rstrip("#")
    if not closed or closed[-1].isspace():
        words = closed.rstrip()  # hashes that close the heading; C# keeps its own
    return re.sub(r"[*`]", "", words)


def parse_rst(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """A title is underlined, or under- and overlined, with punctuation; each style is a level of its own in order of appearance, as docutils reads them."""
    text = decode(data)
    return text, sections_between(text, _rst_marks(text))


def _rst_marks(text: str) -> Iterator[Mark]:
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
                yield over_at if overlined else title_at, styles.index(style) + 1, title.strip()
        window = [window[1], (start, line)]


def _underlines(line: str, title: str) -> bool:
    """Whether `line` is an underline of `title`: as long, or at least four characters long, which docutils lets pass with a warning."""
    return bool(title) and ADORNMENT.fullmatch(line) is not None and len(line.strip()) >= min(len(title), 4)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """-> (where it starts, the line without its end)."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end]
        start = end + 1
