"""Named arrays in one safetensors file: replaced in one step, checked when opened, then mapped rather than read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import xxhash
from safetensors import SafetensorError
from safetensors.numpy import save_file

from rag.core.errors import SearchFileError


def save_arrays(path: Path, arrays: dict[str, np.ndarray], kind: str, change: int) -> None:
    """Replace the file by one with these arrays; who has the old one open keeps it.

    kind: what the arrays are, and the version of their layout. change: the store's change number that they have seen.
    Raises OSError when the file cannot be written.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    about = {"kind": kind, "change": change, "checksum": _checksum(arrays, kind, change)}
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        save_file(arrays, aside, {"about": json.dumps(about)})  # one entry: the library writes several in any order
        with aside.open("r+b") as file:
            os.fsync(file.fileno())
        aside.rename(path)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        aside.unlink(missing_ok=True)


def load_arrays(path: Path, kind: str) -> tuple[dict[str, np.ndarray], int]:
    """Return the arrays, mapped and read-only, and the change number that they have seen.

    Raises SearchFileError when the file is missing, damaged, or of another kind than `kind`.
    """
    try:
        # A plain array over the mapped file, because slicing a memmap takes ten times as long.
        arrays, found, change = _parsed(np.asarray(np.memmap(path, np.uint8, "r")))
    except OSError as error:
        raise SearchFileError(f"{path} can't be read ({error})") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SearchFileError(f"{path} is damaged, or of an earlier version") from error
    if found != kind:
        raise SearchFileError(f"{path} is of version {found}, not {kind}")
    return arrays, change


def _parsed(whole: np.ndarray) -> tuple[dict[str, np.ndarray], str, int]:
    """Slice the arrays out of a safetensors file. The library's own readers copy them, or import torch."""
    start = 8 + int.from_bytes(whole[:8].tobytes(), "little")
    described, data = json.loads(whole[8:start].tobytes()), whole[start:]
    about, arrays, end = json.loads(described.pop("__metadata__")["about"]), {}, 0
    for name, entry in described.items():
        first, last = entry["data_offsets"]
        dtype = f"{entry['dtype'][0].lower()}{int(entry['dtype'][1:]) // 8}"  # "F16" is NumPy's "f2"
        arrays[name] = data[first:last].view(dtype).reshape(entry["shape"])
        end = max(end, last)
    if about["checksum"] != _checksum(arrays, about["kind"], about["change"]) or end != len(data):
        raise ValueError("not what was saved")
    return arrays, about["kind"], about["change"]


def _checksum(arrays: dict[str, np.ndarray], kind: str, change: int) -> str:
    total = xxhash.xxh3_64(f"{kind} {change}".encode())
    for name, array in sorted(arrays.items()):
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()
