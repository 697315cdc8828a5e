"""Where the server keeps its own files, and SQLite as it uses it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rag.core.errors import StoreError

REMEDY = "free some space, or check the disk; if the file is damaged, move it away"
PATIENCE = 30  # seconds that a statement waits for another process


def state_folder(index: Path) -> Path:
    """Return the folder of the server's own files, beside the index; it is not made."""
    return index / "server"


def uploads_folder(index: Path) -> Path:
    """Return the folder of the files that clients have uploaded; it is not made."""
    return state_folder(index) / "uploads"


def make_private(folder: Path) -> Path:
    """Make a folder that only this user can read, if it is not there, and return it.

    Raises StoreError where it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"{folder} can't be made ({error}): check its permissions, or name another with --index"
        ) from error
    return folder


class StateFile:
    """A small SQLite file that several threads use in turns."""

    def __init__(self, path: Path, schema: str):
        """Open the file, and make it if it is not there. schema: statements that make its tables."""
        make_private(path.parent)
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.executescript(schema)
        except sqlite3.Error as error:
            raise StoreError(f"{path} can't be opened ({error}): {REMEDY}") from error

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:
        """Run one statement and return its rows. Raises StoreError where the file can't be read or written."""
        with self._lock, self._translated_errors():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is done inside, or nothing of it."""
        with self._lock:
            self.rows("BEGIN IMMEDIATE")
            try:
                yield
                self.rows("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it already
                    self.rows("ROLLBACK")
                raise

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a fault of this program, not of the machine
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} can't be read or written ({error}): {REMEDY}") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
