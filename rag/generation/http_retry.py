"""JSON over HTTP with a rate limit, and with retries while the server is busy or out of reach.

Imports httpx and tenacity, so it is itself imported only when an endpoint is used.
"""

from __future__ import annotations

import email.utils
import json
import threading
import time
from contextlib import suppress
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter
from tqdm import tqdm

from rag.core.errors import EndpointError
from rag.core.sections import EndpointSettings

BUSY = (408, 429, 500, 502, 503, 504, 529)  # HTTP statuses that pass; 529 is "overloaded" at some vendors
MAX_RETRY_AFTER = 120.0  # seconds; a server that asks for more has run out of quota, so that waiting is no use
MAX_MESSAGE = 200  # characters of a server's error message that are shown
FAILURES = (httpx.HTTPError, httpx.InvalidURL, ValueError)  # ValueError: the reply is not JSON
KEPT = "answers so far are kept"
_backoff = wait_exponential_jitter(jitter=0.5)  # 1, 2, 4 ... seconds; requests that failed together come back apart


class RateLimiter:
    """Spaces requests evenly, at most `per_minute` of them a minute; 0 means no limit."""

    def __init__(self, per_minute: int):
        self._interval, self._next, self._lock = 60 / per_minute if per_minute else 0.0, 0.0, threading.Lock()

    def reserve(self) -> float:
        """Reserve the next free time for a request and return the seconds until then."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
        return turn - now


class JsonClient:
    """Posts JSON to one URL, from any number of threads. Setting `cancelled` ends all waiting.

    A request that fails in a way that may pass is sent again, after the delay that the server asks for (Retry-After,
    RFC 9110) or an exponential one.
    """

    def __init__(self, url: str, key: str, settings: EndpointSettings):
        self.cancelled = threading.Event()
        self._url, self._key, self._limiter = url, key, RateLimiter(settings.per_minute)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        # A redirect would take the key to wherever it points.
        self._http = httpx.Client(headers=headers, timeout=settings.timeout, follow_redirects=False)
        self._retrying = Retrying(
            stop=stop_after_attempt(settings.tries),
            retry=retry_if_exception(_is_transient),
            wait=_delay,
            sleep=self._wait,
            before_sleep=self._announce,
            reraise=True,
        )

    def post(self, body: dict[str, object]) -> Any:
        """Send the body and return the JSON reply. Raises EndpointError when refused, and after the last attempt."""
        try:
            return self._retrying(self._attempt, json.dumps(body).encode())
        except httpx.HTTPStatusError as error:
            fault = f"{self._url} answers {self._describe(error)}: see [endpoint] in the settings; {KEPT}"
        except FAILURES as error:
            fault = f"{self._url} can't be used ({self._describe(error)}): start it, or correct its address; {KEPT}"
        raise EndpointError(fault)

    def _attempt(self, data: bytes) -> Any:
        self._wait(self._limiter.reserve())
        return self._http.post(self._url, content=data).raise_for_status().json()

    def _wait(self, seconds: float) -> None:
        if wait_for(self.cancelled, seconds):
            raise EndpointError(f"the request to {self._url} was cancelled; {KEPT}")

    def _announce(self, state: RetryCallState) -> None:
        tqdm.write(f"endpoint: {self._describe(_error(state))}; again in {state.upcoming_sleep:.0f} s")

    def _describe(self, error: BaseException) -> str:
        """Return the status and the server's message on one line, without the key, which some servers repeat."""
        if not isinstance(error, httpx.HTTPStatusError):
            return str(error) or type(error).__name__
        message = error.response.text
        with suppress(ValueError, KeyError, TypeError):  # not in OpenAI's format: shown as it came
            message = str(json.loads(message)["error"]["message"])
        message = " ".join((message.replace(self._key, "[key]") if self._key else message).split())[:MAX_MESSAGE]
        return f"HTTP {error.response.status_code}{f' ({message})' if message else ''}"


def wait_for(cancelled: threading.Event, seconds: float) -> bool:
    """Wait for the seconds or until cancelled. Returns whether it was cancelled."""
    return cancelled.wait(seconds)


def requested_delay(error: BaseException) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date; None where it asks for nothing."""
    value = error.response.headers.get("Retry-After", "") if isinstance(error, httpx.HTTPStatusError) else ""
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _error(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    assert error  # tenacity asks only after a failure
    return error


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in BUSY and (requested_delay(error) or 0) <= MAX_RETRY_AFTER
    return isinstance(error, FAILURES)


def _delay(state: RetryCallState) -> float:
    requested = requested_delay(_error(state))
    return _backoff(state) if requested is None else requested
