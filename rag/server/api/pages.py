"""Pages of PDF files as pictures, with the boxes of a cited span."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from rag.core.sections import DocumentSettings
from rag.documents.discovery import load_bytes
from rag.documents.marked_words import times_before
from rag.documents.page_image import PageImage, can_be_drawn, draw_page
from rag.index.store import DocumentStore
from rag.server.api.asking import service_of
from rag.server.api.documents import At, require_document
from rag.server.api.errors import ApiError
from rag.server.work.service import Service
from rag.server.work.worker import BusyError

router = APIRouter(tags=["documents"])
KEPT = 50_000_000  # bytes of pictures that are remembered
LONGEST_PAGE = 20_000  # characters: more are not looked for, so that a whole book is neither searched nor remembered
PATIENCE = 20  # seconds that a page may wait for others to be drawn
Key = tuple[str, int, str, int]  # of a file, a page, and words with how often they stand before
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
    """The pages that were drawn last, in memory alone; they are drawn one at a time, in a thread of their own.

    All but the drawing is done in the event loop: pages that wait hold no thread that other requests need, nor a file.
    """

    def __init__(self) -> None:
        self._turn, self._thread = asyncio.Lock(), ThreadPoolExecutor(1, "pages")
        self._kept, self._bytes = OrderedDict[Key, PageImage](), 0

    async def get(self, key: Key, draw: Callable[[], PageImage]) -> PageImage:
        """Return a page, drawn if it is not remembered. Raises what `draw` raises, BusyError while others are drawn."""
        if found := self._find(key):
            return found
        try:
            await asyncio.wait_for(self._turn.acquire(), PATIENCE)
        except TimeoutError as error:
            raise BusyError(PATIENCE) from error
        try:
            if found := self._find(key):
                return found
            return self._keep(key, await asyncio.get_running_loop().run_in_executor(self._thread, draw))
        finally:
            self._turn.release()

    def _find(self, key: Key) -> PageImage | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: Key, drawn: PageImage) -> PageImage:
        self._kept[key] = drawn
        self._bytes += len(drawn.png)
        while self._bytes > KEPT and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1].png)
        return drawn


@router.get("/pages/{number}/{document:path}")
async def page(request: Request, number: Number, document: str, start: At = 0, end: At = 0) -> PageOut:
    """Draw a page of a PDF file. start, end: characters of the document's text to be marked where they stand on it."""
    service = service_of(request)
    source, key = await run_in_threadpool(_asked_for, service, number, document, start, end)
    images: PageImages = request.app.state.page_images
    drawn = await images.get(key, partial(_draw, source, key, service.settings.section(DocumentSettings)))
    return PageOut(
        number=number,
        pages=drawn.pages,
        width=drawn.width,
        height=drawn.height,
        marks=list(drawn.marks),
        png=base64.b64encode(drawn.png).decode(),
    )


def _asked_for(service: Service, number: int, document: str, start: int, end: int) -> tuple[Path, Key]:
    """Return the path of the document's file, and what page is asked for. Raises ApiError where it is none."""
    with service.library.reading() as store:
        source, digest = require_document(store, document)
        words, before = _marked(store, document, number, start, end)
    if not can_be_drawn(source):
        raise ApiError(404, "only pages of PDF files are drawn: GET /documents/NAME has the text")
    return Path(source), (digest, number, words, before)


def _draw(source: Path, key: Key, settings: DocumentSettings) -> PageImage:
    data, (digest, number, words, before) = load_bytes(source, settings), key
    if hashlib.sha256(data).hexdigest() != digest:
        raise ApiError(409, "the file has changed since it was read: bring its folder up to date")
    return draw_page(data, number, words, before, settings)


def _marked(store: DocumentStore, document: str, number: int, start: int, end: int) -> tuple[str, int]:
    """Return the words to be marked, and how often they stand on the page before."""
    text = store.text(document)
    first = min((chunk.start for chunk in store.chunks_of(document) if chunk.page == number), default=0)
    if not 0 <= start < end <= len(text):
        return "", 0
    words = text[start : min(end, start + LONGEST_PAGE)]
    return words, times_before(words, text[max(first, start - LONGEST_PAGE) : start])
