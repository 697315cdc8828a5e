"""One HTTP request for JSON, not before its turn, and again while the server is busy or out of reach."""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from tqdm import tqdm

from rag.core.errors import EndpointError

BUSY = (408, 429, 500, 502, 503, 504, 529)
LONGEST = 120.0  # seconds that a server may ask us to wait
SHOWN = 200  # characters of a server's complaint


class RateLimiter:
    """Deals out turns, `per_minute` of them a minute, evenly; any number where it is 0."""

    def __init__(self, per_minute: int):
        self._apart, self._next, self._lock = 60 / per_minute if per_minute else 0.0, 0.0, threading.Lock()

    def wait(self) -> None:
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._apart
        time.sleep(max(0.0, turn - time.monotonic()))


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key to wherever it points."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


def with_retries(url: str, data: bytes, headers: dict[str, str], tries: int, timeout: float, pace: RateLimiter) -> Any:
    """-> the JSON that comes back. Between tries it waits as long as the server asks for (Retry-After, RFC 9110), else twice as long each time, from a second.

    Raises EndpointError when the request is refused, or after the last try."""
    for n in range(1, tries + 1):
        pace.wait()
        try:
            with _opener.open(urllib.request.Request(url, data, headers), timeout=timeout) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            fault, asked = _complaint(error, headers), _retry_after(error.headers.get("Retry-After"))
            if error.code not in BUSY or n == tries or (asked or 0) > LONGEST:
                raise EndpointError(
                    f"{url} answers {fault}: see [endpoint] in the settings; what was answered is kept"
                ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            fault, asked = str(getattr(error, "reason", error) or type(error).__name__), None
            if n == tries:
                raise EndpointError(
                    f"{url} can't be used ({fault}): start it, or mend its address; what was answered is kept"
                ) from None
        seconds = (
            asked if asked is not None else 2.0 ** (n - 1) * random.uniform(0.75, 1.25)
        )  # so that requests cut off together do not come back together
        tqdm.write(f"endpoint: {fault}; again in {seconds:.0f} s")
        time.sleep(seconds)
    raise EndpointError("endpoint.tries is at least 1: --set endpoint.tries=5")


def _complaint(error: urllib.error.HTTPError, headers: dict[str, str]) -> str:
    """-> status and what the server says of it, on one line, without the key, which some repeat."""
    said = error.read(10_000).decode(errors="replace")
    try:
        found = json.loads(said)["error"]
        said = found["message"] if isinstance(found, dict) else str(found)
    except (ValueError, KeyError, TypeError):
        pass
    key = headers.get("Authorization", "").removeprefix("Bearer ")
    shown = " ".join((said.replace(key, "[key]") if key else said).split())[:SHOWN]
    return f"HTTP {error.code}{f' ({shown})' if shown else ''}"


def _retry_after(value: str | None) -> float | None:
    """value: seconds, or a date as HTTP writes it. -> seconds from now, None where it says nothing."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
