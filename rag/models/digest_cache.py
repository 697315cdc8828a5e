"""Digests of large files, kept in a small JSON file so that an unchanged file is read only once."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

import xxhash

from rag.core.jsonl import parse_json, write_json

Algorithm = Literal["sha256", "xxh3_128"]
# Seconds. A younger file may change again within one tick of its file system's clock, so that its times stay the same.
SETTLED = 2.0


def cached_digest(path: Path, algorithm: Algorithm, cache: Path) -> str:
    """Return the hexadecimal digest of a file's content.

    cache: the JSON file that keeps digests. A digest is used again while the file's path, inode, size and times of
    change are the same. A cache that cannot be read or written only costs time.
    """
    key = f"{algorithm}:{path.resolve()}"
    before = _state(path)
    known = _read(cache)
    if key in known and known[key][:-1] == before:
        return str(known[key][-1])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, xxhash.xxh3_128 if algorithm == "xxh3_128" else algorithm).hexdigest()
    if _state(path) == before and time.time() - max(before[2:]) / 1e9 > SETTLED:
        with suppress(OSError):
            write_json(cache, {**_of_existing_files(_read(cache)), key: [*before, digest]})
    return digest


def _state(path: Path) -> list[int]:
    """Return what changes with the file: st_ctime_ns too, since a program may set st_mtime_ns back."""
    status = os.stat(path)
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _read(cache: Path) -> dict[str, list[int | str]]:
    try:
        known = parse_json(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = known.items() if isinstance(known, dict) else ()
    return {key: entry for key, entry in entries if isinstance(entry, list) and len(entry) == 5}


def _of_existing_files(known: dict[str, list[int | str]]) -> dict[str, list[int | str]]:
    return {key: entry for key, entry in known.items() if os.path.exists(key.partition(":")[2])}
