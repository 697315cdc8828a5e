"""The log that `rag ask --log FILE` keeps: one JSON line for each question, with the answer and the user's verdict."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import RagtuneError

if TYPE_CHECKING:
    from rag.answering.answer import Answer

THUMBS = {"y": "up", "yes": "up", "n": "down", "no": "down", "": None}  # any other verdict is a correction


def ask_verdict() -> str:
    """Ask the user at the terminal for a verdict on the answer; "" if there is none."""
    try:
        return input("right? y, n, or the right answer in the document's words (Enter: no verdict): ").strip()
    except EOFError:
        return ""


def log_answer(path: Path, question: str, answer: Answer, verdict: str = "") -> None:
    """Append a question and its answer to the log.

    verdict: "y", "n", a correction or "". A line has time (UTC), question, text, refused, confidence, cited (document
    names), thumb ("up", "down" or null) and correction (or null). Raises RagtuneError if the file cannot be written.
    """
    corrected = verdict.lower() not in THUMBS
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "question": question,
        "text": answer.text,
        "refused": answer.refused,
        "confidence": answer.confidence,
        "cited": [citation.document for citation in answer.citations],
        "thumb": "down" if corrected else THUMBS[verdict.lower()],
        "correction": verdict if corrected else None,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        reason = f"the log {path} cannot be written ({error.strerror})"
        raise RagtuneError(f"{reason}: name another file with --log") from error
