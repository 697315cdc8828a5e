"""Named arrays in one file: written aside and renamed, checked whole when opened, then mapped rather than read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from rag.core.errors import SearchFileError

MAGIC = b"ragtune1"
HEAD = 24  # magic, checksum of all that follows it, length of the description
ALIGN = 64


def save_arrays(path: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    """Replace the file by one with these arrays and facts. Readers of the old file keep it. Raises OSError when it can't be written."""
    described, at = {}, 0
    for name, array in arrays.items():
        described[name] = (array.dtype.str, array.shape, at)
        at += -(-array.nbytes // ALIGN) * ALIGN
    text = json.dumps({"about": about, "arrays": described}).encode()
    text += b" " * (-(HEAD + len(text)) % ALIGN)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            _write(file, text, arrays)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)


def _write(file: Any, text: bytes, arrays: dict[str, np.ndarray]) -> None:
    length = len(text).to_bytes(8, "little")
    checksum = xxhash.xxh3_64(length + text)
    file.write(bytes(16) + length + text)
    for array in arrays.values():
        for piece in (
            np.ascontiguousarray(array).reshape(-1).view(np.uint8),
            np.zeros(-array.nbytes % ALIGN, np.uint8),
        ):
            checksum.update(piece)
            file.write(piece)
    file.seek(0)
    file.write(MAGIC + checksum.digest())


def load_arrays(path: Path, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """-> the arrays, mapped and read-only, and the facts. Raises DerivedError when the file is missing, damaged, or its facts name another kind."""
    try:
        whole = np.asarray(np.memmap(path, np.uint8, "r"))  # slicing a memmap costs ten times slicing an array
    except (OSError, ValueError) as error:
        raise SearchFileError(f"{path} can't be read ({error})") from error
    if whole[:8].tobytes() != MAGIC or whole[8:16].tobytes() != xxhash.xxh3_64(whole[16:]).digest():
        raise SearchFileError(f"{path} is damaged")
    start = HEAD + int.from_bytes(whole[16:HEAD].tobytes(), "little")
    described = json.loads(whole[HEAD:start].tobytes())
    if described["about"]["kind"] != kind:
        raise SearchFileError(f"{path} is of version {described['about']['kind']}, not {kind}")
    arrays = {}
    for name, (dtype, shape, at) in described["arrays"].items():
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        arrays[name] = whole[start + at : start + at + size].view(dtype).reshape(shape)
    return arrays, described["about"]
