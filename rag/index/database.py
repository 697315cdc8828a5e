"""SQLite as the document store uses it: a write-ahead log, one transaction a change, and errors that say the remedy."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rag.core.errors import StoreError

PATIENCE = 60  # seconds that a statement waits for another process's transaction
RETRY = 0.02  # seconds between attempts where SQLite does not wait by itself
PAGE = 8192  # bytes; nine vectors of 384 float16 numbers fit
MOST_VALUES = 500  # values bound in one statement

T = TypeVar("T")
Value = str | bytes | int | float | None
Row = tuple  # of whatever the statement selects


class Database:
    """A connection to a SQLite file whose errors are StoreErrors."""

    def __init__(self, path: Path, write: bool = False):
        """Open the file; with `write`, make it if there is none. Raises StoreError when it can't be opened."""
        self.path = path
        with self._translated_errors():
            self._db = sqlite3.connect(
                _uri(path, write), uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA foreign_keys=ON")
            self._file = _file(path)
            if write:
                self._db.execute(f"PRAGMA page_size={PAGE}")
                self._use_write_ahead_log()
                self._db.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last commits, never the file
                self._db.execute("PRAGMA secure_delete=ON")  # what was removed is not left in free pages

    def _use_write_ahead_log(self) -> None:
        """Write changes to a log first; SQLite itself does not wait here while other processes do the same."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(RETRY)

    def execute(self, sql: str, values: Sequence[Value] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with self._translated_errors():
            return self._db.execute(sql, values)

    def one(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """Return the first row of a query, None if it has none."""
        return next(self.rows(sql, values), None)

    def rows(self, sql: str, values: Sequence[Value] = ()) -> Iterator[Row]:
        """Yield the rows of a query, read one by one."""
        with self._translated_errors():
            yield from self._db.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of values."""
        with self._translated_errors():
            self._db.executemany(sql, rows)

    def executescript(self, sql: str) -> None:
        """Run several statements."""
        with self._translated_errors():
            self._db.executescript(sql)

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """Commit all that is done inside, or nothing of it.

        kind: "IMMEDIATE" to write, "DEFERRED" to read one state throughout.
        """
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
        """Whether a transaction is open."""
        return self._db.in_transaction

    def is_current(self) -> bool:
        """Tell whether the path still names the file that was opened. If not, what is written to it would be lost."""
        return self._file is not None and _file(self.path) == self._file

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a fault of this program, not of the machine
        except sqlite3.Error as error:
            raise StoreError(_explained(error, self.path)) from error
        except UnicodeDecodeError as error:  # of a name in the file's own schema
            raise StoreError(f"{self.path} is damaged ({error}): rag index FOLDER --rebuild") from error


def placeholders(values: Sequence[object]) -> str:
    """Return as many SQL placeholders as there are values."""
    return ",".join("?" * len(values))


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield the values in lists short enough for one statement."""
    listed = list(values)
    return (listed[at : at + MOST_VALUES] for at in range(0, len(listed), MOST_VALUES))


def _file(path: Path) -> tuple[int, int] | None:
    """Return what identifies the file whatever its name: its device and inode."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _uri(path: Path, write: bool) -> str:
    """Return how SQLite is to open the file.

    In a folder that can't be written it is read as it is: SQLite would want to make its shared-memory file there.
    """
    log = path.with_name(path.name + "-wal")
    frozen = not write and not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return f"{path.resolve().as_uri()}?{'mode=rwc' if write else 'mode=ro&immutable=1' if frozen else 'mode=rw'}"


def _explained(error: sqlite3.Error, path: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    again = "run the command again"
    if code == sqlite3.SQLITE_FULL:
        return f"no space is left to write {path}; what was committed is kept: free some space and {again}"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        remedy = "check the folder's permissions, or name another with --index"
        return f"{path} can't be opened or written ({error}): {remedy}"
    if code == sqlite3.SQLITE_BUSY:
        return f"another process has been writing {path} for over {PATIENCE} s: wait for it and {again}"
    if code == sqlite3.SQLITE_IOERR:
        return f"{path} can't be read or written ({error}); what was committed is kept: check the disk and {again}"
    return f"{path} is damaged ({error}): rag index FOLDER --rebuild"
