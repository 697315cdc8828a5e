"""Documents that are made of others: messages with attachments, mailboxes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from rag.documents.formats.base.sections import Parsed


def concatenated(parts: Iterable[Parsed]) -> Parsed:
    """Return the parts below each other as one; the rows of their tables keep numbers of their own."""
    parts, sections = list(parts), []
    end = rows = 0
    for part in parts:
        shifted = [section.shifted(end, rows) for section in part.sections]
        rows = max((cell.row + 1 for section in shifted for cell in section.cells), default=rows)
        sections += shifted
        end += len(part.text)
    unread = tuple(line for part in parts for line in part.unread)
    return Parsed("".join(part.text for part in parts), sections, unread)


def below(parsed: Parsed, heading: str) -> Parsed:
    """Return the part with one more heading above all of it."""
    sections = [dataclasses.replace(s, headings=(heading, *s.headings)) for s in parsed.sections]
    return parsed._replace(sections=sections)


def named(parsed: Parsed, name: str) -> Parsed:
    """Return the part below its name, which also stands before what of it could not be read."""
    return below(parsed, name)._replace(unread=tuple(f"{name}: {line}" for line in parsed.unread))
