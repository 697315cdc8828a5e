"""Errors that no command foresees, in one line for people: a full disk, too little memory, a fault of the program."""

from __future__ import annotations

import errno
import os
import tempfile
import traceback

FAULT = "a fault of the program"
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
# What libraries in other languages say of the same, as RuntimeError or in errors of their own.
_SAYS_FULL = ("No space left on device", "File too large", "os error 28", "os error 27", "PytorchStreamWriter failed")
_SAYS_NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "bad_alloc",
    "Cannot allocate memory",
    "out of memory",
    "can't start new thread",
    "could not create a primitive",  # of oneDNN
    "error return without exception set",  # of Python's own C code
)
_SAYS_FORBIDDEN = ("Read-only file system", "Permission denied", "os error 30", "os error 13")


def in_one_line(error: Exception) -> str:
    """Return what a person is told of an error: what is wrong, and what mends it.

    The details of a fault of the program go into a file that only this user can read, since they may quote documents.
    """
    number = error.errno if isinstance(error, OSError) else None
    said, named = str(error), _named(error)
    if isinstance(error, MemoryError) or number == errno.ENOMEM or _is_said(said, _SAYS_NO_MEMORY):
        return "there is not enough memory; what was saved is kept: end other programs and run the command again"
    if number in _FULL or _is_said(said, _SAYS_FULL):
        return f"no space is left to write{named}; what was saved is kept: free some space and run the command again"
    if number in _FORBIDDEN or _is_said(said, _SAYS_FORBIDDEN):
        return f"the system does not allow it{named} ({error}): check the permissions of the folder"
    return f"{FAULT} ({type(error).__name__}){_kept_details(error)}: rag doctor says what may be damaged"


def _is_said(text: str, signs: tuple[str, ...]) -> bool:
    return any(sign in text for sign in signs)


def _named(error: Exception) -> str:
    name = error.filename if isinstance(error, OSError) else None
    return f" {name}" if isinstance(name, str) else ""


def _kept_details(error: Exception) -> str:
    try:
        handle, path = tempfile.mkstemp(prefix="ragtune-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return ""
    return f", its details are in {path}"
