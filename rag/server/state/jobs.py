"""Jobs on documents and their events, kept in a file, so that a killed server goes on with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.server.state.feedback import now
from rag.server.state.folder import StateFile, state_folder

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
ENDED = (DONE, FAILED)
KINDS = ("ingest", "remove", "sync")
KEPT = 200  # ended jobs that are remembered
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, targets TEXT NOT NULL, state TEXT NOT NULL,
    made TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    job INTEGER NOT NULL REFERENCES jobs (id), number INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (job, number)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Job:
    """Work on documents.

    kind: "ingest" files, "remove" documents, or "sync" with the folders that the index was made from. targets: paths
    or ids. state: "queued", "running", "done" or "failed". made: when, UTC.
    """

    id: int
    kind: str
    targets: list[str]
    state: str
    made: str


class JobFile:
    """All jobs of an index."""

    def __init__(self, index: Path):
        """Open the file of the index, and make it if there is none."""
        self._file = StateFile(state_folder(index) / "jobs.sqlite", _SCHEMA)

    def add(self, kind: str, targets: list[str]) -> Job:
        """Keep a new job, which is queued."""
        with self._file.transaction():
            values = [kind, json.dumps(targets), QUEUED, now()]
            ((id,),) = self._file.rows(
                "INSERT INTO jobs (kind, targets, state, made) VALUES (?, ?, ?, ?) RETURNING id", values
            )
            self._event(id, {"state": QUEUED})
            self._forget_old()
        return self.get(id)  # type: ignore[return-value]

    def _forget_old(self) -> None:
        old = "SELECT id FROM jobs WHERE state IN ('done', 'failed') ORDER BY id DESC LIMIT -1 OFFSET ?"
        for (id,) in self._file.rows(old, [KEPT]):
            self._file.rows("DELETE FROM events WHERE job = ?", [id])
            self._file.rows("DELETE FROM jobs WHERE id = ?", [id])

    def get(self, id: int) -> Job | None:
        """Return a job, None if there is none of that number."""
        found = self._jobs("WHERE id = ?", [id])
        return found[0] if found else None

    def latest(self, count: int) -> list[Job]:
        """Return the last jobs, the newest first."""
        return self._jobs("ORDER BY id DESC LIMIT ?", [count])

    def unfinished(self) -> list[Job]:
        """Return the jobs that have not ended, the oldest first."""
        return self._jobs("WHERE state IN ('queued', 'running') ORDER BY id", [])

    def _jobs(self, which: str, values: list[object]) -> list[Job]:
        rows = self._file.rows(f"SELECT id, kind, targets, state, made FROM jobs {which}", values)
        return [Job(id, kind, json.loads(targets), state, made) for id, kind, targets, state, made in rows]

    def tell(self, id: int, state: str, **facts: Any) -> None:
        """Set the state of a job, and add an event with the facts."""
        with self._file.transaction():
            self._file.rows("UPDATE jobs SET state = ? WHERE id = ?", [state, id])
            self._event(id, {"state": state, **facts})

    def _event(self, id: int, data: dict[str, Any]) -> None:
        add = "INSERT INTO events SELECT ?, 1 + COALESCE(MAX(number), 0), ? FROM events WHERE job = ?"
        self._file.rows(add, [id, json.dumps(data), id])

    def events(self, id: int, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Return the events of a job after the one with this number: numbers from 1, and facts."""
        rows = self._file.rows(
            "SELECT number, data FROM events WHERE job = ? AND number > ? ORDER BY number", [id, after]
        )
        return [(number, json.loads(data)) for number, data in rows]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
