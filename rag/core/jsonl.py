"""JSON and JSON lines on disk: read whole, written in one step, or appended to so that a killed run goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rag.core.errors import DataError

T = TypeVar("T")


def parse_json(text: str | bytes) -> Any:
    """Return what a text says as JSON. Whatever is wrong with it is a ValueError, also where it is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a text is. Raises ValueError where it is anything else."""
    found = parse_json(text)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; empty lines are skipped.

    Raises DataError when the file cannot be read or a line is not a JSON object.
    """
    return _read_lines(path, json_object)


def _read_lines(path: Path, parse: Callable[[str], T]) -> list[T]:
    try:
        with path.open(encoding="utf-8") as file:  # str.splitlines would also split at U+2028 and U+0085
            return [parse(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON lines: {error}") from error


def write_lines(path: Path, items: Iterable[Any]) -> None:
    """Write dataclasses or dicts as JSON lines, in one step: readers see the old file or the new one."""
    _replace(path, (json.dumps(_plain(item), ensure_ascii=False) + "\n" for item in items))


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write one JSON object, indented, in one step: readers see the old file or the new one."""
    _replace(path, [json.dumps(data, ensure_ascii=False, indent=1) + "\n"])


def recovered_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines that a killed process may have been appending to.

    A last line without its line end is cut off the file, so that the next writer can append. Returns [] where there
    is no file. Raises DataError as `read_lines` does.
    """
    return _recovered(path, json_object)


def _recovered(path: Path, parse: Callable[[str], T]) -> list[T]:
    if not path.exists():
        return []
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])
    return _read_lines(path, parse)


def resumable_map(path: Path, items: Sequence[T], work: Callable[[T], Any], label: str) -> list[Any]:
    """Apply `work` to each item and keep each result at once, so that a killed run goes on where it was.

    path: file of results, one JSON line each, in the order of the items; its name must contain a digest of all that
    the results depend on. label: what the progress bar says. Returns the results as JSON gives them back.
    """
    from tqdm import tqdm

    path.parent.mkdir(parents=True, exist_ok=True)
    results: list[Any] = _recovered(path, parse_json)
    with (
        path.open("a", encoding="utf-8") as file,
        tqdm(total=len(items), initial=len(results), desc=label, unit=" questions") as bar,
    ):
        for item in items[len(results) :]:
            results.append(work(item))
            file.write(json.dumps(results[-1], ensure_ascii=False) + "\n")
            file.flush()
            bar.update()
    return results


def file_digest(path: Path) -> str:
    """Return 12 hexadecimal digits of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def digest_of(words: list[str], files: Iterable[Path]) -> str:
    """Return 12 hexadecimal digits that change with any of the words or with the content of any of the files."""
    found = hashlib.sha256("\0".join(words).encode())
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def _plain(item: Any) -> Any:
    return dataclasses.asdict(item) if dataclasses.is_dataclass(item) and not isinstance(item, type) else item


def _replace(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        file.writelines(lines)
    aside.rename(path)
