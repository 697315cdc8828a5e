"""PowerPoint files: each slide with its tables, charts, diagrams, descriptions of pictures, notes and comments."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import DEFAULTS, progress, require_pages
from rag.documents.formats.base.sections import Block, Parsed, assemble, counted

if TYPE_CHECKING:
    from pptx.slide import Slide


def parse_pptx(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return what the slides show; a slide is a page, and its title, else its number, is its heading.

    Hidden slides are left out and named, unless the settings say otherwise.
    """
    import pptx

    from rag.documents.formats.office.pptx_slide import PICTURE, SlideReader

    slides = pptx.Presentation(io.BytesIO(data)).slides
    require_pages(len(slides), "slides", settings)
    blocks: list[Block] = []
    unread: list[str] = []
    for number, slide in enumerate(slides, 1):
        progress()
        if _is_hidden(slide) and not settings.hidden:
            unread.append(f"slide {number}: hidden, left out (documents.hidden)")
            continue
        reader = SlideReader(slide, number, settings)
        blocks += reader.blocks()
        unread += [f"slide {number}: {line}" for line in counted(reader.not_read)]
    if all(block.text in (f"Slide {block.page}", PICTURE) for block in blocks):
        return Parsed("", [])
    return assemble(blocks)._replace(unread=tuple(unread))


def _is_hidden(slide: Slide) -> bool:
    return slide._element.get("show") in ("0", "false")
