"""Questions from the command line to a server that runs for the index already, so that no model has to be loaded."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.core.errors import RagtuneError
from rag.core.settings import Settings
from rag.server.state.running import RunningServer, find_server

if TYPE_CHECKING:
    from rag.answering.answer import Answer

REACHED, ANSWERED = 1.0, 600.0  # seconds that a server has to say that it runs, and to answer


@dataclass(frozen=True)
class ServedQuestions:
    """A server of this machine that answers from the same index, with the same settings. model: what answers there."""

    server: RunningServer
    model: str

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return f"http://{self.server.host}:{self.server.port}"

    def ask(self, question: str, documents: Sequence[str] | None = None) -> Answer:
        """Return the server's answer. Raises RagtuneError with what the server says where it does not answer."""
        from rag.answering.answer_facts import answer_from_facts

        body = {"question": question, "model": self.model, "documents": list(documents or ())}
        try:
            status, found = _request(self.server, "POST", "/ask/whole", ANSWERED, body)
            failed = found["error"]["message"] if status != 200 else ""
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            reason = f"the server at {self.address} has gone ({type(error).__name__})"
            raise RagtuneError(f"{reason}: run the command again") from error
        if failed:
            raise RagtuneError(failed)
        return answer_from_facts(found)


def running_server(settings: Settings, index: Path, model: str) -> ServedQuestions | None:
    """Return the server that runs for the index, None if there is none, or it was started with other settings."""
    server = find_server(index)
    if not server or _without_serving(server.settings) != _without_serving(settings.overrides):
        return None
    try:
        status, found = _request(server, "GET", "/health", REACHED)
    except (OSError, http.client.HTTPException, ValueError):
        return None  # it was killed, or something else listens there now
    known = hashlib.sha256(server.token.encode()).hexdigest()[:16]
    return ServedQuestions(server, model) if status == 200 and found.get("instance") == known else None


def _without_serving(overrides: Sequence[str]) -> list[str]:
    return [each for each in overrides if not each.startswith("serve.")]


def _request(
    server: RunningServer, method: str, path: str, seconds: float, body: Any = None
) -> tuple[int, dict[str, Any]]:
    """Return status and JSON of a response; the token is sent with questions alone, after the server is known."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=seconds)
    headers = {"Content-Type": "application/json"}
    if body is not None:
        headers["Authorization"] = f"Bearer {server.token}"
    try:
        connection.request(method, path, json.dumps(body).encode() if body is not None else None, headers)
        response = connection.getresponse()
        found = json.loads(response.read())
        if not isinstance(found, dict):
            raise ValueError("that is no answer of this server")
        return response.status, found
    finally:
        connection.close()
