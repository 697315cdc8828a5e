"""Around every request: its id, one line of log, its metrics, the headers that protect a browser."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
import traceback
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.server.api.errors import LEFT, error_response
from rag.server.api.metrics import Metrics

LOG = logging.getLogger("ragtune.server")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_PROTECTION = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Observed:
    """Lets requests through to an application, and notes how they ended. No text of people is in the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        """app: what serves the requests."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        id = given if REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(8)}"
        scope.setdefault("state", {})["request_id"] = id
        ending = _Ending(send, id)
        start = time.perf_counter()
        try:
            await self._app(scope, receive, ending.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets JSON, and the log its place
            if not isinstance(error, ClientDisconnect):
                log_fault(id, error)
            if not ending.status:
                await error_response(error)(scope, receive, ending.send)
        finally:
            self._note(scope, id, ending, time.perf_counter() - start)

    def _note(self, scope: Scope, id: str, ending: _Ending, seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if scope["method"] in METHODS else "other"  # clients may send any word
        status = ending.status if ending.complete else LEFT
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        client = scope["state"].get("client", "")
        if route != "/health" or status != 200:  # which every open page asks all the time
            _log(id, "request", method=method, route=route, status=status, ms=round(seconds * 1000), client=client)


def _route(scope: Scope) -> str:
    """Return what was asked, never the path: names of documents are in it."""
    first = "/" + scope["path"].lstrip("/").split("/")[0]
    mounted = first if first in ("/mcp", "/page") else "unknown"
    return getattr(scope.get("route"), "path", mounted)


class _Ending:
    """Sends a response on, with more headers, and remembers its status and whether it was sent to its end."""

    def __init__(self, send: Send, id: str):
        self._send, self._id, self.status, self.complete = send, id, 0, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            there = {name for name, _ in message.get("headers", ())}
            more = {**_PROTECTION, "x-request-id": self._id}
            added = [(name.encode(), value.encode()) for name, value in more.items() if name.encode() not in there]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)
        self.complete |= message["type"] == "http.response.body" and not message.get("more_body")


def log_fault(id: str, error: Exception) -> None:
    """Note a fault of the program in the log. id: of the request."""
    _log(id, "fault", fault=type(error).__name__, at=_places(error))


def _places(error: Exception) -> list[str]:
    """Return where an error came from; its message may hold text of a document."""
    return [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-5:]]


def _log(id: str, event: str, **facts: Any) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    LOG.info(json.dumps({"time": moment, "event": event, "request": id, **facts}))


def log_to_stderr() -> None:
    """Write the log to standard error, a line of JSON for each request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOG.handlers[:] = [handler]
    LOG.propagate = False
    LOG.setLevel(logging.INFO)
