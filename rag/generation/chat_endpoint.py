"""Asking a model behind an OpenAI-compatible endpoint: no faster than allowed, again where it is busy, and nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from rag.core.errors import EndpointError
from rag.core.sections import EndpointSettings
from rag.generation.http_retry import RateLimiter, with_retries

KEPT = Path("var/endpoint/answers.jsonl")
HERE = ("localhost", "127.0.0.1", "::1")
Messages = list[dict[str, str]]




class Endpoint:
    """What has been answered is kept in a file of JSON lines by digest of the request, line by line, so that a killed run loses at most what is under way."""

    def __init__(self, url: str, settings: EndpointSettings, kept: Path = KEPT):
        """url: what comes before /chat/completions, such as http://127.0.0.1:8080/v1. Raises EndpointError when it or the settings can't be used."""
        self.url, self._key = url.rstrip("/"), find_key(url, settings)
        if not settings.model:
            raise EndpointError("the endpoint's model has no name: --set endpoint.model=NAME, as the endpoint calls it")
        self.settings, self._kept_in, self._kept = settings, kept, _read_kept(kept)
        self._pace, self._writing = RateLimiter(settings.per_minute), threading.Lock()
        self.read = self.written = self.asked = self.reused = 0

    def complete(self, conversations: list[Messages]) -> list[str]:
        """-> what the model says next in each, the most likely words. Raises EndpointError when the endpoint refuses, or stays busy."""
        bodies = [self._body(messages) for messages in conversations]
        missing = dict(zip(map(self._digest, bodies), bodies, strict=True))
        new = {key: body for key, body in missing.items() if key not in self._kept}
        pool = ThreadPoolExecutor(max(1, self.settings.at_once), thread_name_prefix="endpoint")
        try:
            list(pool.map(self._ask, new, new.values()))
        finally:
            pool.shutdown(cancel_futures=True)
        self.reused += len(bodies) - len(new)
        return [self._kept[self._digest(body)] for body in bodies]

    def spent(self) -> str:
        """-> requests, tokens, and what they cost where prices are set."""
        cost = (self.read * self.settings.price_in + self.written * self.settings.price_out) / 1e6
        priced = f", cost {cost:.4f}" if self.settings.price_in or self.settings.price_out else ""
        return f"{self.asked} asked, {self.reused} kept from before, {self.read:,} tokens read, {self.written:,} written{priced}"

    def _body(self, messages: Messages) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.settings.max_tokens,
        }

    def _digest(self, body: dict[str, Any]) -> str:
        return hashlib.sha256(json.dumps([self.url, body], sort_keys=True).encode()).hexdigest()

    def _ask(self, key: str, body: dict[str, Any]) -> None:
        headers = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {self._key}"} if self._key else {}),
        }
        reply = with_retries(
            f"{self.url}/chat/completions",
            json.dumps(body).encode(),
            headers,
            self.settings.tries,
            self.settings.timeout,
            self._pace,
        )
        try:
            text, usage = reply["choices"][0]["message"]["content"], reply.get("usage") or {}
        except (KeyError, IndexError, TypeError, AttributeError):
            text, usage = None, {}
        if not isinstance(text, str):
            raise EndpointError(
                f"{self.url} gave no text: see that it serves chat completions, or raise endpoint.max_tokens"
            )
        with self._writing:
            self._keep(key, text, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))

    def _keep(self, key: str, text: str, read: int, written: int) -> None:
        self._kept[key] = text
        self.asked, self.read, self.written = self.asked + 1, self.read + read, self.written + written
        self._kept_in.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"request": key, "text": text, "read": read, "written": written}, ensure_ascii=False)
        with self._kept_in.open("a+b") as file:
            torn = file.tell() and not _ends_in_newline(file)
            file.write(f"{chr(10) if torn else ''}{line}\n".encode())


def find_key(url: str, settings: EndpointSettings) -> str:
    """-> the key, "" where none is named. It is not sent in the clear to another machine, nor shown anywhere."""
    parts = _parts(url)
    if not settings.key:
        return ""
    key = os.environ.get(settings.key, "").strip()
    if not key:
        raise EndpointError(f"the environment variable that endpoint.key names is not set: export {settings.key}=...")
    if not (key.isascii() and key.isprintable()):  # the error of the library that sends it would show it
        raise EndpointError(f"the environment variable {settings.key} holds no key: export {settings.key}=...")
    if parts.scheme == "http" and parts.hostname not in HERE:
        raise EndpointError(
            f"a key would go to {parts.hostname} unencrypted: use https, or --set endpoint.key= to send none"
        )
    return key


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and not (parts.username or parts.query or parts.fragment)
            and parts.port != 0
        )
    except ValueError:
        good = False
    if not good:
        raise EndpointError("the endpoint's address is no base URL: https://HOST/v1, without a key in it")
    return parts


def _read_kept(path: Path) -> dict[str, str]:
    """-> texts by digest; lines that a kill has cut off are passed over."""
    kept: dict[str, str] = {}
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        try:
            found = json.loads(line)
            kept[found["request"]] = found["text"]
        except (ValueError, KeyError, TypeError):
            continue
    return kept


def _ends_in_newline(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
