"""From a request to the model's thread and back, and the end of a question whose client has left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from rag.server.api.errors import LEFT, ApiError, as_api_error, error_body
from rag.server.api.metrics import Metrics
from rag.server.api.observed import log_fault
from rag.server.state.recent import GivenAnswer
from rag.server.work.service import Service, Wish
from rag.server.work.worker import Task

T = TypeVar("T")
LOOK = 0.25  # seconds between two looks whether the client is still there


def service_of(request: Request) -> Service:
    """Return the service behind the application."""
    service: Service = request.app.state.service
    return service


def metrics_of(request: Request) -> Metrics:
    """Return the application's metrics."""
    metrics: Metrics = request.app.state.metrics
    return metrics


def told_in_stream(request: Request, error: Exception) -> dict[str, Any]:
    """Return the body of an error that comes when the status is sent already; a fault goes to the log."""
    known = as_api_error(error)
    if known.status_code == 500:
        log_fault(request.state.request_id, error)
    return error_body(known.status_code, known.detail)


class Asked:
    """A question on its way: what happens to it can be awaited."""

    def __init__(self, request: Request, wish: Wish):
        """request: whose client asks."""
        self._request, self._wish = request, wish
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Queue[tuple[str, Any]]()
        self._task: Task[GivenAnswer]

    async def start(self) -> Asked:
        """Queue the question. Raises what `Service.ask` does."""
        self._task = await run_in_threadpool(service_of(self._request).ask, self._wish, self._tell)
        self._task.future.add_done_callback(lambda future: self._tell("end", future))
        return self

    def _tell(self, kind: str, what: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody listens
            self._loop.call_soon_threadsafe(self._news.put_nowait, (kind, what))

    async def events(self) -> AsyncIterator[tuple[str, Any]]:
        """Yield "passages" with their list, "text" with each generated piece, and at last "answer" with the answer.

        Whoever stops to iterate has left. Raises what answering raises.
        """
        try:
            while True:
                kind, what = await self._news.get()
                if kind == "end":
                    yield "answer", self._counted(what)
                    return
                yield kind, what
        finally:
            self._task.leave()

    def _counted(self, future: Future[GivenAnswer]) -> GivenAnswer:
        given = future.result()
        metrics_of(self._request).count_answer(given)
        return given

    async def answer(self) -> GivenAnswer:
        """Return the answer. Raises what answering raises, and ApiError when the client has left."""
        return self._counted(await _unless_left(self._request, self._task))


async def result_of(request: Request, submit: Callable[[], Task[T]]) -> T:
    """Return the result of other work of the model's thread, which ends when the client leaves."""
    task = await run_in_threadpool(submit)
    return (await _unless_left(request, task)).result()


async def _unless_left(request: Request, task: Task[T]) -> Future[T]:
    waiting = asyncio.wrap_future(task.future)
    try:
        while True:
            done, _ = await asyncio.wait([waiting], timeout=LOOK)
            if done:
                if not waiting.cancelled():
                    waiting.exception()  # so that asyncio does not report it as never looked at
                return task.future
            if await request.is_disconnected():
                raise ApiError(LEFT, "the client has left")
    finally:
        task.leave()
