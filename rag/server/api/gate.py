"""Before every request: who asks, from which page, how often, and how much."""

from __future__ import annotations

import ipaddress
import math
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.core.errors import RagtuneError
from rag.server.api.errors import ApiError, busy, error_response
from rag.server.state.keys import KeyRing, key_digest

SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = ("/", "/health", "/openapi.json")  # and the page's files: without a key they say nothing of the documents
PAGE = "/page/"
UPLOADS = "/documents/"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")  # with these a proxy says that others ask through it
THIS_USER = "this user"


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks for a document: it gets the page, which asks for a key where one is needed."""
    wanted = "text/html" in request.headers.get("accept", "")
    return wanted and request.method == "GET" and request.scope["path"].startswith(UPLOADS)


@dataclass(frozen=True)
class Rules:
    """What the gate asks for.

    loopback: whether only this machine can connect; then a key is needed only through a proxy. token: what opens the
    gate to this user. per_minute: requests of a client, 0 for no limit. max_request, max_upload: bytes.
    """

    loopback: bool
    token: str
    per_minute: int
    max_request: int
    max_upload: int


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine's own, which no other machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # as "[::1"
        return ""


class Gate:
    """Lets a request through to an application, or refuses it."""

    def __init__(self, app: ASGIApp, keys: KeyRing, rules: Rules):
        """keys: of those who may ask from elsewhere."""
        self._app, self._keys, self._rules = app, keys, rules
        self._token = key_digest(rules.token)
        self._limit = RateLimitItemPerMinute(rules.per_minute) if rules.per_minute else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check_origin(request)
            scope["state"]["client"] = self._client(request)
            self._check_rate(request, scope["state"]["client"])
            most = self._most_bytes(request)
        except (ApiError, RagtuneError) as error:  # errors of a middleware reach no handler
            await error_response(error)(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most).receive, send)

    def _check_origin(self, request: Request) -> None:
        """Refuse other pages in this user's browser, which could else ask a server that needs no key."""
        host = request.headers.get("host", "")
        if self._rules.loopback and not is_loopback(_without_port(host)):
            raise ApiError(403, f"this server is asked as 127.0.0.1 or localhost, not {host[:100]!r}")
        origin = request.headers.get("origin")
        if origin and request.method not in SAFE and origin.partition("://")[2] != host:
            raise ApiError(403, "a page of another server may not use this one")

    def _client(self, request: Request) -> str:
        """Return who asks. Raises ApiError where a key is needed and there is none that is known."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        if key and key_digest(key) == self._token:
            return THIS_USER
        if key and (name := self._keys.name_of(key)):
            return f"key {name}"
        address = request.client.host if request.client else "unknown"
        path = request.scope["path"]
        page = wants_page(request) or (request.method in SAFE and (path in OPEN or path.startswith(PAGE)))
        if page or (self._rules.loopback and not any(name in request.headers for name in FORWARDED)):
            return address
        sentence = "this key is not known" if key else "a key is needed: Authorization: Bearer KEY"
        self._check_rate(request, address)  # so that nobody tries many keys
        raise ApiError(401, f"{sentence} (rag keys add NAME makes one)", {"WWW-Authenticate": "Bearer"})

    def _check_rate(self, request: Request, client: str) -> None:
        if not self._limit or client == THIS_USER or request.scope["path"] == "/health":
            return
        if not self._limiter.hit(self._limit, client):
            again = self._limiter.get_window_stats(self._limit, client).reset_time - time.time()
            raise busy(429, max(1, math.ceil(again)), f"more than {self._rules.per_minute} requests a minute")

    def _most_bytes(self, request: Request) -> int:
        upload = request.method == "PUT" and request.scope["path"].startswith(UPLOADS)
        most = self._rules.max_upload if upload else self._rules.max_request
        said = request.headers.get("content-length", "0")
        if not said.isdigit():
            raise ApiError(400, "Content-Length is not a number")
        if int(said) > most:
            raise _too_large(most)
        return most


def _too_large(most: int) -> ApiError:
    named = "documents.max_bytes or serve.max_request"
    return ApiError(413, f"a request has {most:,} bytes at most here: split it, or raise {named} in ragtune.toml")


class _Counted:
    """Receives a request's body, and refuses what is beyond the limit also where no length was said."""

    def __init__(self, receive: Receive, most: int):
        self._receive, self._most, self._got = receive, most, 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._got += len(message.get("body", b""))
        if self._got > self._most:
            raise _too_large(self._most)
        return message
