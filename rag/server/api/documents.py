"""The documents: list, read with a span highlighted, upload, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from rag.documents.discovery import is_gone
from rag.documents.page_image import can_be_drawn
from rag.index.store import DocumentStore
from rag.server.api.asking import service_of
from rag.server.api.errors import ApiError
from rag.server.api.gate import wants_page
from rag.server.api.jobs import JobOut, job_out
from rag.server.state.uploads import receive
from rag.server.work.service import Service

router = APIRouter(tags=["documents"])
SHOWN = 200_000  # characters of a document in one response; a longer one is read in parts
BEFORE = 20_000  # of these before the span that is asked for
At = Annotated[int, Query(ge=0, le=2**31)]


class DocumentOut(BaseModel):
    """A document of the index. state: "" where all is well, else what is to be said of it."""

    id: str
    chunks: int
    read_in_part: bool
    uploaded: bool
    state: str


class WatchedOut(BaseModel):
    """A folder that is watched. changed: when it was last brought up to date, UTC. missing: it is not there now."""

    folder: str
    files: int
    changed: str
    missing: bool


class DocumentsOut(BaseModel):
    """All documents, and the folders whose new and changed files are read as they come."""

    documents: list[DocumentOut]
    watched: list[WatchedOut]


class ChunkOut(BaseModel):
    """A chunk of a document: where it begins and ends in its text."""

    start: int
    end: int
    headings: list[str]
    page: int | None


class DocumentText(BaseModel):
    """A document as it was read.

    text: from the character `offset` on, at most 200,000 of `length`. start, end: the highlighted span, which stands in
    this part; both 0 for none. unread: what could not be read. drawn: whether GET /pages draws its pages.
    """

    id: str
    title: str
    length: int
    offset: int
    text: str
    start: int
    end: int
    chunks: list[ChunkOut]
    unread: list[str]
    drawn: bool


@router.get("/documents")
def documents(request: Request) -> DocumentsOut:
    """List the documents; none where there is no index yet."""
    service, watcher = service_of(request), request.app.state.watcher
    watched = [
        WatchedOut(folder=str(each.folder), files=each.files, changed=each.changed, missing=each.missing)
        for each in watcher.folders
    ]
    if not service.library.exists():
        return DocumentsOut(documents=[], watched=watched)
    with service.library.reading() as store:
        return DocumentsOut(documents=_listed(service, store), watched=watched)


def _listed(service: Service, store: DocumentStore) -> list[DocumentOut]:
    counts, unread, found = store.chunk_counts(), store.unread(), []
    for id, (source, digest) in store.documents().items():
        state = "its file is gone" if is_gone(Path(source)) else "" if digest else "not read yet"
        uploaded = service.library.is_upload(source)
        found.append(DocumentOut(id=id, chunks=counts[id], read_in_part=id in unread, uploaded=uploaded, state=state))
    return found


_TO_PAGE: dict[int | str, dict[str, Any]] = {303: {"description": "The page that shows it, for a browser."}}


@router.get("/documents/{document:path}", response_model=DocumentText, responses=_TO_PAGE)
def read(request: Request, document: str, start: At = 0, end: At = 0, offset: At = 0) -> DocumentText | Response:
    """Return a document's text around a span. A browser gets the page that shows it highlighted."""
    if wants_page(request):
        shown = urlencode({"document": document, "start": start, "end": end})
        return RedirectResponse(f"/?{shown}", 303)
    service = service_of(request)
    if not service.library.exists():
        raise ApiError(404, "there is no document yet: PUT /documents/NAME, or rag index FOLDER")
    with service.library.reading() as store:
        require_document(store, document)
        return _text(store, document, start, end, offset)


def require_document(store: DocumentStore, id: str) -> tuple[str, str]:
    """Return the path and the digest of a document's file. Raises ApiError where there is no such document."""
    documents = store.documents()
    if id not in documents:
        raise ApiError(404, f"no document is called {id[:200]!r}: GET /documents lists all")
    return documents[id]


def _text(store: DocumentStore, id: str, start: int, end: int, offset: int) -> DocumentText:
    text, chunks = store.text(id), store.chunks_of(id)
    start, end = (start, end) if 0 <= start < end <= len(text) else (0, 0)
    offset = offset or (max(0, start - BEFORE) if len(text) > SHOWN else 0)
    last = offset + SHOWN
    inside = [chunk for chunk in chunks if chunk.end > offset and chunk.start < last]
    return DocumentText(
        id=id,
        title=chunks[0].title if chunks else id,
        length=len(text),
        offset=offset,
        text=text[offset:last],
        start=start,
        end=end,
        chunks=[ChunkOut(start=c.start, end=c.end, headings=list(c.headings), page=c.page) for c in inside],
        unread=list(store.unread().get(id, ())),
        drawn=can_be_drawn(store.documents()[id][0]),
    )


_BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.put("/documents/{name:path}", status_code=202, openapi_extra=_BINARY)
async def upload(request: Request, name: str) -> JobOut:
    """Add a file, or replace an uploaded one of this name, and return the job that indexes it: curl -T FILE URL/."""
    service = service_of(request)
    path = await receive(service.index, name, request.stream())
    return job_out(await run_in_threadpool(service.documents.add, "ingest", [str(path)]))


@router.delete("/documents/{document:path}", status_code=202)
def delete(request: Request, document: str) -> JobOut:
    """Remove a document from the index, with the feedback that shows it, and an uploaded file from the disk.

    Another file stays where it is, and is indexed again when its folder is.
    """
    service, source = service_of(request), ""
    if service.library.exists():
        with service.library.reading() as store:
            source, _ = store.documents().get(document, ("", ""))
    if not source:
        raise ApiError(404, f"no document is called {document[:200]!r}: GET /documents lists all")
    if service.library.is_upload(source):  # now: a file of this name that comes before the job is another one
        Path(source).unlink(missing_ok=True)
    return job_out(service.documents.add("remove", [document]))
