"""The log of real questions, kept where `rag ask --log FILE` says: one JSON line a question, with the person's verdict."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import RagtuneError

if TYPE_CHECKING:
    from rag.answering.answer import Answer


def ask_verdict() -> str:
    """-> what the person at the terminal says of the answer, "" where nothing."""
    try:
        return input("right? y, n, or the right answer in the document's words (Enter: no verdict): ").strip()
    except EOFError:
        return ""


def log_answer(path: Path, question: str, answer: Answer, verdict: str = "") -> None:
    """Append time (UTC), question, text, refused, confidence, cited (document names), thumb ("up", "down" or null) and correction (or null) to the log.

    verdict: "y", "n", a correction or "". Raises RagtuneError when the file can't be written."""
    thumb = {"y": "up", "yes": "up", "n": "down", "no": "down", "": None}.get(verdict.lower(), "down")
    corrected = verdict if thumb == "down" and verdict.lower() not in ("n", "no") else None
    said = {
        "text": answer.text,
        "refused": answer.refused,
        "confidence": answer.confidence,
        "cited": [c.document for c in answer.citations],
    }
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "question": question,
        **said,
        "thumb": thumb,
        "correction": corrected,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise RagtuneError(
            f"the log {path} can't be written ({error.strerror}): name another file with --log"
        ) from error
