"""Ask a model behind an OpenAI-compatible endpoint, without asking anything twice."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from rag.core.errors import EndpointError
from rag.core.sections import EndpointSettings

ANSWERS_FILE = Path("var/endpoint/answers.jsonl")
LOOPBACK = ("localhost", "127.0.0.1", "::1")  # hosts to which a key may go unencrypted
Messages = list[dict[str, str]]


class Endpoint:
    """A chat model behind an endpoint.

    Each answer is appended to a file of JSON lines as soon as it arrives, by a digest of its request. A killed run
    loses only the requests that were in progress.
    """

    def __init__(self, url: str, settings: EndpointSettings, answers_file: Path = ANSWERS_FILE):
        """url: what comes before /chat/completions, such as http://127.0.0.1:8080/v1.

        Raises EndpointError when the address, the model's name or the key cannot be used.
        """
        self.url, self.settings, key = url.rstrip("/"), settings, find_key(url, settings)
        if not settings.model:
            raise EndpointError("the endpoint's model has no name: --set endpoint.model=NAME, as the endpoint calls it")
        from rag.generation.http_retry import JsonClient

        self._client = JsonClient(f"{self.url}/chat/completions", key, settings)
        self._file, self._answers, self._writing = answers_file, _read_answers(answers_file), threading.Lock()
        self.requests = self.reused = self.prompt_tokens = self.completion_tokens = 0

    def complete(self, conversations: list[Messages]) -> list[str]:
        """Return the model's most likely next message for each conversation.

        Raises EndpointError when the endpoint refuses a request or stays busy.
        """
        bodies = {self._digest(body): body for body in map(self._body, conversations)}
        new = {digest: body for digest, body in bodies.items() if digest not in self._answers}
        self._client.cancelled.clear()
        pool = ThreadPoolExecutor(self.settings.at_once, thread_name_prefix="endpoint")
        try:
            futures = [pool.submit(self._request, digest, body) for digest, body in new.items()]
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BaseException:  # KeyboardInterrupt too: nothing that waits for its next attempt holds up the end
            self._client.cancelled.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        self.reused += len(conversations) - len(new)
        return [self._answers[self._digest(self._body(messages))] for messages in conversations]

    def usage(self) -> str:
        """Describe the requests and tokens so far, and their cost if prices are set."""
        settings = self.settings
        cost = (self.prompt_tokens * settings.price_in + self.completion_tokens * settings.price_out) / 1e6
        parts = [
            f"{self.requests} requests",
            f"{self.reused} answers reused",
            f"{self.prompt_tokens:,} prompt tokens",
            f"{self.completion_tokens:,} completion tokens",
        ]
        return ", ".join(parts + ([f"cost {cost:.4f}"] if settings.price_in or settings.price_out else []))

    def _body(self, messages: Messages) -> dict[str, object]:
        settings = self.settings
        return {"model": settings.model, "messages": messages, "temperature": 0, "max_tokens": settings.max_tokens}

    def _digest(self, body: dict[str, object]) -> str:
        return hashlib.sha256(json.dumps([self.url, body], sort_keys=True).encode()).hexdigest()

    def _request(self, digest: str, body: dict[str, object]) -> None:
        reply = self._client.post(body)
        try:
            text, usage = reply["choices"][0]["message"]["content"], reply.get("usage") or {}
        except (KeyError, IndexError, TypeError, AttributeError):
            text, usage = None, {}
        if not isinstance(text, str):
            remedy = "check that it serves chat completions, or raise endpoint.max_tokens"
            raise EndpointError(f"{self.url} gave no text: {remedy}")
        tokens = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
        with self._writing:
            self._keep(digest, text, *tokens)

    def _keep(self, digest: str, text: str, prompt_tokens: int, completion_tokens: int) -> None:
        self._answers[digest] = text
        self.requests += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        row = {"request": digest, "text": text, "read": prompt_tokens, "written": completion_tokens}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def find_key(url: str, settings: EndpointSettings) -> str:
    """Return the key from the environment variable that the settings name, "" if they name none.

    Raises EndpointError where it is missing or malformed, or would go to another machine unencrypted. No message shows
    the key.
    """
    address, name = _checked_address(url), settings.key
    if not name:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise EndpointError(f"the environment variable that endpoint.key names is not set: export {name}=...")
    if not (key.isascii() and key.isprintable()):  # the HTTP library's own error message would show it
        raise EndpointError(f"the environment variable {name} holds no key: export {name}=...")
    if address.scheme == "http" and address.hostname not in LOOPBACK:
        remedy = "use https, or --set endpoint.key= to send none"
        raise EndpointError(f"a key would go to {address.hostname} unencrypted: {remedy}")
    return key


def _checked_address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        extra = parts.username or parts.query or parts.fragment
        usable = parts.scheme in ("http", "https") and parts.hostname and not extra and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise EndpointError("the endpoint's address is no base URL: https://HOST/v1, without a key in it")
    return parts


def _read_answers(path: Path) -> dict[str, str]:
    """Read the kept answers by digest. A line that a killed run cut off is ended, so that appending can go on."""
    data = path.read_bytes() if path.exists() else b""
    if data and not data.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
    answers: dict[str, str] = {}
    for line in data.split(b"\n"):
        try:
            row = json.loads(line)
            answers[row["request"]] = row["text"]
        except (ValueError, KeyError, TypeError):
            continue
    return answers
