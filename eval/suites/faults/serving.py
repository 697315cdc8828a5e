"""Serving, as a command that ends: a server is started, asked, given files, and stopped as Ctrl-C does.

What the server has accepted is noted outside of its folder; the next time it must all be there.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from rag.server.state.running import find_server

PLAY = "play"
FILES = 3  # that are uploaded
PATIENCE = 120.0  # seconds for the server to begin, and for a job to end
INDEX = Path("var/index")
QUESTION = "How high may a drone fly over the harbour estate?"


def play(words: list[str], fault: Callable[[], None] | None) -> None:
    """Serve and be the client of it. words: the folder of the files to upload, then the command that serves.

    fault: is called in the server's process first.

    Ends with status 1 and a line of error where the server says one.
    """
    pid = os.fork()
    if not pid:
        if fault:
            fault()
        sys.argv = words[1:]
        runpy.run_module("rag", run_name="__main__", alter_sys=True)
        os._exit(0)
    try:
        client = _client(pid)
        accepted = Path.cwd().with_name("accepted.txt")
        _require_accepted(client, accepted)
        for file in sorted(Path(words[0]).glob("*.md"))[:FILES]:
            job = _result(client.put(f"/documents/{file.name}", content=file.read_bytes()))
            with accepted.open("a", encoding="utf-8") as noted:
                noted.write(f"{file.name}\n")
            _wait_for(client, job)
        _result(client.post("/ask", json={"question": QUESTION}))
        accepted.unlink()
    finally:
        _stop(pid)


def _client(pid: int) -> httpx.Client:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:  # it has said why
            sys.stdout.flush()
            os._exit(os.waitstatus_to_exitcode(status) or 1)
        server = find_server(INDEX)
        if server and server.pid == pid:
            client = httpx.Client(base_url=f"http://{server.host}:{server.port}", timeout=PATIENCE)
            if client.get("/health").status_code == 200:
                return client
        time.sleep(0.2)
    raise TimeoutError("the server does not begin")


def _require_accepted(client: httpx.Client, accepted: Path) -> None:
    """Wait for the jobs of a server that was killed; every file that it had accepted must be there."""
    for job in _result(client.get("/jobs"))["jobs"]:
        _ended(client, job)
    there = {each["id"] for each in _result(client.get("/documents"))["documents"]}
    for name in accepted.read_text(encoding="utf-8").split() if accepted.exists() else ():
        if name not in there:
            raise AssertionError(f"{name} was accepted, and is lost")


def _wait_for(client: httpx.Client, job: dict[str, Any]) -> None:
    job = _ended(client, job)
    if job["state"] == "failed":
        _refuse(str(job["last"].get("error")))


def _ended(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while job["state"] not in ("done", "failed"):
        if time.monotonic() > until:
            raise TimeoutError("a job does not end")
        time.sleep(0.2)  # a client may send ten requests a second
        job = _result(client.get(f"/jobs/{job['id']}"))
    return job


def _result(response: httpx.Response) -> Any:
    found = response.json()
    if response.status_code >= 400:
        _refuse(found["error"]["message"])
    return found


def _refuse(message: str) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def _stop(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return
    until = time.monotonic() + PATIENCE / 4
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.02)
    raise TimeoutError("the server does not end")
