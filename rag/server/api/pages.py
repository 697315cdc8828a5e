"""Pages of PDF files as pictures, with the boxes of a cited span."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel

from rag.core.sections import DocumentSettings
from rag.documents.discovery import load_bytes
from rag.documents.marked_words import times_before
from rag.documents.page_image import PageImage, can_be_drawn, draw_page
from rag.index.store import DocumentStore
from rag.server.api.asking import service_of
from rag.server.api.documents import At, require_document
from rag.server.api.errors import ApiError
from rag.server.work.worker import BusyError

router = APIRouter(tags=["documents"])
KEPT = 50_000_000  # bytes of pictures that are remembered
LONGEST_PAGE = 20_000  # characters: more are not looked for, so that a whole book is neither searched nor remembered
PATIENCE = 20  # seconds that a page may wait for others to be drawn
Key = tuple[bytes, int, str, int]  # of a file, a page, and words with how often they stand before
Number = Annotated[int, InPath(ge=1, le=100_000)]


class PageOut(BaseModel):
    """A page. pages: of the file. png: base64. marks: left, top, right and bottom of boxes, as shares of the page."""

    number: int
    pages: int
    width: int
    height: int
    marks: list[tuple[float, float, float, float]]
    png: str


class PageImages:
    """The pages that were drawn last, in memory alone; they are drawn one at a time."""

    def __init__(self) -> None:
        self._lock, self._drawing = threading.Lock(), threading.Lock()
        self._kept, self._bytes = OrderedDict[Key, PageImage](), 0

    def get(self, data: bytes, number: int, words: str, before: int, settings: DocumentSettings) -> PageImage:
        """Return a page as `draw_page` does. Raises DocumentError as that does, BusyError while others are drawn."""
        key = hashlib.sha256(data).digest(), number, words, before
        if found := self._find(key):
            return found
        if not self._drawing.acquire(timeout=PATIENCE):
            raise BusyError(PATIENCE)
        try:
            return self._find(key) or self._keep(key, draw_page(data, number, words, before, settings))
        finally:
            self._drawing.release()

    def _find(self, key: Key) -> PageImage | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Key, drawn: PageImage) -> PageImage:
        with self._lock:
            self._kept[key] = drawn
            self._bytes += len(drawn.png)
            while self._bytes > KEPT and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1].png)
        return drawn


@router.get("/pages/{number}/{document:path}")
def page(request: Request, number: Number, document: str, start: At = 0, end: At = 0) -> PageOut:
    """Draw a page of a PDF file. start, end: characters of the document's text to be marked where they stand on it."""
    service = service_of(request)
    with service.library.reading() as store:
        source, digest = require_document(store, document)
        words, before = _marked(store, document, number, start, end)
    if not can_be_drawn(source):
        raise ApiError(404, "only pages of PDF files are drawn: GET /documents/NAME has the text")
    settings = service.settings.section(DocumentSettings)
    data = load_bytes(Path(source), settings)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ApiError(409, "the file has changed since it was read: bring its folder up to date")
    images: PageImages = request.app.state.page_images
    drawn = images.get(data, number, words, before, settings)
    return PageOut(
        number=number,
        pages=drawn.pages,
        width=drawn.width,
        height=drawn.height,
        marks=list(drawn.marks),
        png=base64.b64encode(drawn.png).decode(),
    )


def _marked(store: DocumentStore, document: str, number: int, start: int, end: int) -> tuple[str, int]:
    """Return the words to be marked, and how often they stand on the page before."""
    text = store.text(document)
    first = min((chunk.start for chunk in store.chunks_of(document) if chunk.page == number), default=0)
    if not 0 <= start < end <= len(text):
        return "", 0
    words = text[start : min(end, start + LONGEST_PAGE)]
    return words, times_before(words, text[max(first, start - LONGEST_PAGE) : start])
