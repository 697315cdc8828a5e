"""A page of a PDF file as a picture, drawn in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.parser_protocol import ProtocolError, read_frame, write_frame

# -P: a file of the user's in this folder must not stand in for a library
DRAW = (sys.executable, "-P", "-c", "from rag.documents.page_drawing import serve; serve()")
STARTING = 30  # seconds that the process may take besides drawing, on a busy machine
LARGEST = 30_000_000  # bytes of a picture
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class PageImage:
    """A page. pages: how many the file has. width, height: pixels.

    marks: boxes of the words that were looked for: left, top, right, bottom, as shares of width and height.
    """

    png: bytes
    pages: int
    width: int
    height: int
    marks: tuple[tuple[float, float, float, float], ...]


def can_be_drawn(name: str) -> bool:
    """Tell by its name whether a file has pages that can be drawn."""
    return name.lower().endswith(".pdf")


def draw_page(data: bytes, number: int, words: str, before: int, settings: DocumentSettings) -> PageImage:
    """Draw a page of a PDF file, with the boxes of some words.

    number: of the page, from 1. before: how often the words stand earlier on the page. Raises DocumentError where the
    file can't be drawn within the limits of the settings.
    """
    limits = {"max_memory": settings.max_memory, "max_seconds": settings.max_seconds}
    asked = BytesIO()
    write_frame(asked, json.dumps({"number": number, "words": words, "before": before, **limits}).encode())
    write_frame(asked, data)
    try:
        drawn = subprocess.run(
            DRAW,
            input=asked.getvalue(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=settings.max_seconds + STARTING,
            env={**os.environ, "PYTHONPATH": _path()},
            check=True,
        )
        return _page(BytesIO(drawn.stdout))
    except (subprocess.SubprocessError, ProtocolError, ValueError, LookupError, TypeError) as error:
        raise DocumentError("the page can't be drawn", "open the file in another program") from error


def _path() -> str:
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


def _page(reply: BytesIO) -> PageImage:
    facts, png = json.loads(read_frame(reply, LARGEST) or b"{}"), read_frame(reply, LARGEST) or b""
    if "reason" in facts:
        raise DocumentError(str(facts["reason"]), str(facts["remedy"]))
    if not png.startswith(PNG):
        raise ProtocolError("no picture")
    left_top_right_bottom = (tuple(map(float, box)) for box in facts["marks"])
    marks = tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in left_top_right_bottom)
    return PageImage(png, int(facts["pages"]), int(facts["width"]), int(facts["height"]), marks)
