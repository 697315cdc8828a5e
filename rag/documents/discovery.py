"""From a path to files: folders, patterns, links, what .ragignore leaves out, and the bytes of each file."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pathspec

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import DEFAULTS

IGNORE_FILE = ".ragignore"
PERMISSION = "give yourself permission to read it (chmod u+r)"
REMOVE_LINK = "remove the link, or name it in .ragignore"
Rules = tuple[tuple[Path, pathspec.PathSpec], ...]  # each folder that has an ignore file, and that file's patterns


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, why, and what to do about it."""

    path: Path
    reason: str
    remedy: str = ""


def find_files(target: Path) -> Iterator[tuple[Path, str]]:
    """Yield (path, document id) of the files of a folder or glob pattern, or of one file, in a fixed order.

    Hidden files are left out, and so is what a .ragignore in any folder names (gitignore syntax). The id is the path
    relative to the folder. Where a folder above has a .ragignore, it is relative to the outermost such folder: a
    document keeps its id however it is named.

    Links to files are files. Links to folders are not followed, so that there are no loops: those, and folders that
    can't be opened, are given like files, and `load_bytes` says what is wrong with them. Raises DocumentError when
    there is nothing of that name.
    """
    require_exists(target)
    if not os.path.lexists(target):
        named = {Path(name) for name in glob.glob(str(target), recursive=True)}
        everything = find_files(_folder_before_wildcards(target))
        yield from ((path, id) for path, id in everything if named.intersection((path, *path.parents)))
        return
    root = _root_of(target)
    if not target.is_dir():
        yield target, (target.parent.resolve() / target.name).relative_to(root).as_posix()
        return
    for path in _walk(target):
        yield path, (target.resolve() / path.relative_to(target)).relative_to(root).as_posix()


def require_exists(target: Path) -> None:
    """Raise DocumentError when there is no such file or folder, and no file that a pattern names."""
    if os.path.lexists(target):
        return
    if not glob.has_magic(str(target)):
        raise DocumentError(f"there is no file or folder {target}")
    if not any(glob.iglob(str(target), recursive=True)):
        raise DocumentError(f"no file is named by {target}")


def _folder_before_wildcards(pattern: Path) -> Path:
    return next(folder for folder in pattern.parents if not glob.has_magic(str(folder)))


def _root_of(target: Path) -> Path:
    """Return the folder that document ids are relative to."""
    folder = (target if target.is_dir() else target.parent).resolve()
    return next((outer for outer in reversed((folder, *folder.parents)) if (outer / IGNORE_FILE).exists()), folder)


def _walk(top: Path) -> Iterator[Path]:
    """Yield the files below a folder, depth first, names in order."""
    stack: list[tuple[Path, Rules]] = [(top, ())]
    while stack:
        path, rules = stack.pop()
        # os.path, since pathlib raises where a folder may be listed but not entered
        if path != top and (os.path.islink(path) or not os.path.isdir(path)):
            yield path
            continue
        try:
            names = sorted((entry.name for entry in os.scandir(path)), reverse=True)
        except OSError:
            yield path
            continue
        if IGNORE_FILE in names:
            rules = (*rules, (path, _read_rules(path / IGNORE_FILE)))
        inside = (path / name for name in names if not name.startswith("."))
        stack += [(each, rules) for each in inside if not _is_ignored(each, rules)]


def _read_rules(file: Path) -> pathspec.PathSpec:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        return pathspec.PathSpec.from_lines("gitignore", lines)
    except OSError as error:
        raise DocumentError(f"{file} can't be read ({error.strerror})", PERMISSION) from error
    except ValueError as error:
        raise DocumentError(
            f"{file} has a pattern that is not valid ({error})", "write it as in a .gitignore"
        ) from error


def _is_ignored(path: Path, rules: Rules) -> bool:
    slash = "/" if os.path.isdir(path) and not os.path.islink(path) else ""
    return any(spec.match_file(f"{path.relative_to(folder).as_posix()}{slash}") for folder, spec in rules)


def is_gone(path: Path) -> bool:
    """Return whether no file is there any more; one that can't be looked at, in a locked folder, is not gone."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def load_bytes(path: Path, settings: DocumentSettings = DEFAULTS) -> bytes:
    """Return the file's content.

    Raises DocumentError when nothing reads its format, when it is too large (noticed before it is read), is no regular
    file (a pipe would wait forever), can't be read, or is gone.
    """
    from rag.documents.formats.registry import require_reader  # imports all readers, which listing files does not need

    try:
        _require_file(path)
        require_reader(path.name)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _require_regular(status.st_mode)
            _require_small(status.st_size, settings)
            data = file.read(settings.max_bytes + 1)
            _require_small(len(data), settings)  # it may have grown
            return data
    except OSError as error:
        raise _unreadable(path, error) from error


def _require_file(path: Path) -> None:
    if os.path.islink(path) and os.path.isdir(path):
        raise DocumentError("a link to a folder, which is not followed", "name that folder itself")
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        next(os.scandir(path), None)  # raises OSError where it can't be opened
        raise DocumentError("a folder", "try again; it was a file a moment ago, or could not be opened")
    _require_regular(mode)


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise DocumentError("a pipe, socket or device, not a file", "name it in .ragignore")


def _require_small(size: int, settings: DocumentSettings) -> None:
    if size > settings.max_bytes:
        reason = f"{size:,} bytes, more than {settings.max_bytes:,}"
        raise DocumentError(reason, "split it, or raise documents.max_bytes")


def _unreadable(path: Path, error: OSError) -> DocumentError:
    if error.errno == errno.ELOOP:
        return DocumentError("a link that leads in a circle", REMOVE_LINK)
    if error.errno == errno.ENOENT and path.is_symlink():
        return DocumentError("a link to a file that is not there", REMOVE_LINK)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        return DocumentError("gone since it was found", "run the command again")
    if error.errno in (errno.EACCES, errno.EPERM):
        return DocumentError("no permission to read it", PERMISSION)
    return DocumentError(f"it can't be read ({error.strerror or error})", "check the disk, and run the command again")
