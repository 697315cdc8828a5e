"""The keys of the server's clients: made once, shown once, kept only as digests."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.core.errors import StoreError
from rag.core.jsonl import parse_json
from rag.server.state.folder import make_private, state_folder

FILE = "keys.json"
PREFIX = "rag-"  # so that a key is recognized where it should not be, in a log or in a commit
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Key:
    """A client's key. digest: SHA-256 of the key, which is 32 random bytes, so that no slow hash is needed."""

    name: str
    digest: str
    made: str


def read_keys(index: Path) -> list[Key]:
    """Return the keys of the index's server. Raises StoreError when their file can't be read."""
    path = state_folder(index) / FILE
    if not path.exists():
        return []
    try:
        return [Key(**each) for each in parse_json(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path} can't be read ({error}): delete it, and make keys with rag keys add NAME") from error


def add_key(index: Path, name: str) -> str:
    """Make a key and return it; it is kept nowhere. Raises StoreError for a name that is taken or not one."""
    if not NAME.fullmatch(name):
        raise StoreError(f"a key's name has letters, digits, dots and dashes, not {name!r}: rag keys add NAME")
    keys = read_keys(index)
    if any(key.name == name for key in keys):
        raise StoreError(f"there is a key called {name!r} already: rag keys remove {name}")
    made = PREFIX + secrets.token_urlsafe(32)
    _write(index, [*keys, Key(name, key_digest(made), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))])
    return made


def remove_key(index: Path, name: str) -> None:
    """Remove a key; a running server refuses it from then on. Raises StoreError where there is none of that name."""
    keys = read_keys(index)
    if all(key.name != name for key in keys):
        raise StoreError(f"no key is called {name!r}: rag keys list")
    _write(index, [key for key in keys if key.name != name])


def key_digest(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


class KeyRing:
    """The keys as they are now: the file is read again when it has changed."""

    def __init__(self, index: Path):
        """index: whose server's keys they are."""
        self._index, self._stamp, self._keys = index, (0, 0), list[Key]()

    def name_of(self, key: str) -> str | None:
        """Return whose key it is, None if it is nobody's."""
        digest = key_digest(key)
        # Every digest is compared, in constant time, so that the time tells nothing.
        found = [each.name for each in self.keys() if hmac.compare_digest(each.digest, digest)]
        return found[0] if found else None

    def keys(self) -> list[Key]:
        """Return all keys."""
        stamp = _stamp(state_folder(self._index) / FILE)
        if stamp != self._stamp:
            self._keys, self._stamp = read_keys(self._index), stamp
        return self._keys


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def _write(index: Path, keys: list[Key]) -> None:
    path = make_private(state_folder(index)) / FILE
    aside = path.with_name(f".{FILE}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps([asdict(key) for key in keys], indent=1), encoding="utf-8")
    aside.rename(path)
