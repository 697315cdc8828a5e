"""SQLite as the record uses it: a write-ahead log, one transaction a change, and errors that say what happened and what mends it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.core.errors import StoreError

PATIENCE = 60  # seconds that a statement waits for another process's transaction
PAGE = 8192  # bytes; nine vectors of 384 float16 fit


class Database:
    """A connection whose errors are StoreErrors."""

    def __init__(self, path: Path, write: bool = False):
        """Raises StoreError when the file can't be opened. write: the file is made if need be."""
        self.path = path
        with self._told():
            self._db = sqlite3.connect(
                _uri(path, write), uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA foreign_keys=ON")
            self._file = _file(path)
            if write:
                self._db.execute(f"PRAGMA page_size={PAGE}")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last commits, never the file
                self._db.execute("PRAGMA secure_delete=ON")  # what was removed is not left in free pages

    def execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        with self._told():
            return self._db.execute(sql, tuple(values))

    def rows(self, sql: str, values: Iterable[Any] = ()) -> Iterator[tuple]:
        """-> the rows, read as they are asked for."""
        with self._told():
            yield from self._db.execute(sql, tuple(values))

    def executemany(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        with self._told():
            self._db.executemany(sql, rows)

    def executescript(self, sql: str) -> None:
        with self._told():
            self._db.executescript(sql)

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """All of it or nothing. kind: "IMMEDIATE" to write, "DEFERRED" to read one state throughout."""
        self.execute(f"BEGIN {kind}")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have ended it already
                self._db.execute("ROLLBACK")
            raise

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def is_current(self) -> bool:
        """Whether the file of this name is still the one that was opened. Where another was put in its place, what is written is lost."""
        return self._file is not None and _file(self.path) == self._file

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a fault of ours, not of the machine
        except sqlite3.Error as error:
            raise StoreError(_explained(error, self.path)) from error


def _file(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _uri(path: Path, write: bool) -> str:
    """A folder that can't be written is read as it is: SQLite would want to make its shared-memory file there."""
    log = path.with_name(path.name + "-wal")
    frozen = not write and not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return f"{path.resolve().as_uri()}?{'mode=rwc' if write else 'mode=ro&immutable=1' if frozen else 'mode=rw'}"


def _explained(error: sqlite3.Error, path: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return (
            f"no space is left to write {path}; what was committed is kept: free some space and run the command again"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return (
            f"{path} can't be opened or written ({error}): check the folder's permissions, or name another with --index"
        )
    if code == sqlite3.SQLITE_BUSY:
        return f"another process has been writing {path} for over {PATIENCE} s: wait for it and run the command again"
    if code == sqlite3.SQLITE_IOERR:
        return f"{path} can't be read or written ({error}); what was committed is kept: check the disk and run the command again"
    return f"{path} is damaged ({error}): rag index --rebuild"
