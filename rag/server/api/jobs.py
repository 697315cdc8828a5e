"""Jobs on documents, and their progress as server-sent events that can be resumed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from rag.server.api.asking import service_of
from rag.server.api.errors import ApiError
from rag.server.api.shapes import EVENTS, Received
from rag.server.state.jobs import ENDED, Job

router = APIRouter(tags=["jobs"])
LOOK = 0.15  # seconds between two looks for new events
SHOWN = 50  # jobs that are listed
Number = Annotated[int, Path(ge=1, le=2**62)]
LastEvent = Annotated[int, Header(ge=0, le=2**62)]


class JobOut(BaseModel):
    """A job. documents: names of the files or ids of the documents that it is about. last: its last event."""

    id: int
    kind: str
    state: str
    made: str
    documents: list[str]
    last: dict[str, Any] = {}


class JobsOut(BaseModel):
    """The last jobs, the newest first."""

    jobs: list[JobOut]


class JobIn(Received):
    """sync: bring the index up to date with the folders that it was made from, as `rag index` does."""

    kind: Literal["sync"]


def job_out(job: Job, last: dict[str, Any] | None = None) -> JobOut:
    """Return a job as clients get it: files are named without their folders."""
    names = [target.rsplit("/", 1)[-1] for target in job.targets] if job.kind == "ingest" else job.targets
    return JobOut(id=job.id, kind=job.kind, state=job.state, made=job.made, documents=names, last=last or {})


def _job(request: Request, id: int) -> Job:
    job = service_of(request).documents.jobs.get(id)
    if job is None:
        raise ApiError(404, f"there is no job {id}: GET /jobs lists them")
    return job


@router.get("/jobs")
def jobs(request: Request) -> JobsOut:
    """List the last jobs."""
    return JobsOut(jobs=[job_out(job) for job in service_of(request).documents.jobs.latest(SHOWN)])


@router.post("/jobs", status_code=202)
def start(request: Request, body: JobIn) -> JobOut:
    """Start a job. Documents are added with PUT and removed with DELETE /documents/NAME."""
    service = service_of(request)
    if not service.library.exists():
        raise ApiError(409, "there is no index yet: rag index FOLDER")
    return job_out(service.documents.add(body.kind, []))


@router.get("/jobs/{job}")
def job(request: Request, job: Number) -> JobOut:
    """Return a job with its last event."""
    found = _job(request, job)
    events = service_of(request).documents.jobs.events(job)
    return job_out(found, events[-1][1] if events else None)


_STREAM: dict[int | str, dict[str, Any]] = {
    **EVENTS,
    204: {"description": "The job has ended, and all its events were sent."},
}


@router.get("/jobs/{job}/events", responses=_STREAM, response_class=EventSourceResponse)
async def events(request: Request, job: Number, last_event_id: LastEvent = 0) -> Response:
    """Send the events of a job as they come, those first that came after Last-Event-ID, until it ends."""
    found = await run_in_threadpool(_job, request, job)
    new = await run_in_threadpool(service_of(request).documents.jobs.events, job, last_event_id)
    if found.state in ENDED and not new:
        return Response(status_code=204)  # which tells a browser not to connect again
    return EventSourceResponse(_follow(request, job, last_event_id))


async def _follow(request: Request, job: int, after: int) -> AsyncIterator[ServerSentEvent]:
    while True:
        for number, facts in await run_in_threadpool(service_of(request).documents.jobs.events, job, after):
            after = number
            yield ServerSentEvent(id=str(number), event="progress", data=json.dumps(facts, ensure_ascii=False))
            if facts["state"] in ENDED:
                return
        await asyncio.sleep(LOOK)
