"""Files that clients send: what they may be called, and how they come to the disk whole or not at all."""

from __future__ import annotations

import asyncio
import os
import secrets
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

from rag.core.errors import DocumentError
from rag.server.state.folder import make_private, uploads_folder

LONGEST = 200  # bytes of a name, so that any file system takes it
PART = ".part-"  # what names of files begin with that have not come whole


def require_name(name: str) -> str:
    """Return the name of an uploaded file if it is one: of this folder, visible, of a format that can be read.

    Raises DocumentError for any other.
    """
    from rag.documents.formats.registry import require_reader

    remedy = "send it as PUT /documents/NAME, with a plain file name"
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise DocumentError(f"{name[:80]!r} is a path or hidden, not a file's name", remedy)
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in name):
        raise DocumentError("there are control characters in the file's name", remedy)
    if len(name.encode()) > LONGEST or name != name.strip():
        raise DocumentError(f"the file's name is longer than {LONGEST} bytes, or begins or ends with a space", remedy)
    require_reader(name)
    return name


async def receive(index: Path, name: str, pieces: AsyncIterator[bytes]) -> Path:
    """Write an upload beside the index, and return its path; an earlier upload of this name is replaced.

    Raises DocumentError for a name that is not one, and where it can't be written; what pieces raises passes, and
    nothing is left then.
    """
    target = make_private(uploads_folder(index)) / require_name(name)
    part = target.with_name(f"{PART}{secrets.token_hex(8)}")
    try:
        with part.open("xb") as file:
            async for piece in pieces:
                file.write(piece)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())  # other requests go on meanwhile
        part.replace(target)
    except OSError as error:
        raise DocumentError(f"it can't be written ({error.strerror})", "free some space, or check the disk") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def left_over(index: Path, known: set[str]) -> list[str]:
    """Return the uploads that came whole and are not in the index, as after a kill; delete those that did not.

    known: paths of the files that are in the index.
    """
    folder = uploads_folder(index)
    if not folder.is_dir():
        return []
    for part in folder.glob(f"{PART}*"):
        part.unlink(missing_ok=True)
    return sorted(str(path) for path in folder.glob("[!.]*") if path.is_file() and str(path.resolve()) not in known)
