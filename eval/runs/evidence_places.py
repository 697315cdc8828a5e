"""Evidence that was found in a file's own characters, where the file is read as other text: rows of Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from eval.runs.questions import Evidence, Question
from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.document import read_document
from rag.documents.formats.base.encoding import decode


def evidence_as_read(
    questions: Iterable[Question], files: dict[str, Path], settings: DocumentSettings
) -> list[Question]:
    """Return the questions with their evidence in the text of the documents as they are read.

    The words of an evidence that stand so often in the text as in the file are taken to stand in the same order. Where
    they do not, the evidence is left out: the answer is judged, search and citations are not. files: by document id.
    """
    texts: dict[str, tuple[str, str]] = {}
    moved = []
    for question in questions:
        for piece in question.evidence:
            if piece.document in files and piece.document not in texts:
                texts[piece.document] = _texts(files[piece.document], piece.document, settings)
        found = (_moved(piece, *texts.get(piece.document, ("", ""))) for piece in question.evidence)
        moved.append(replace(question, evidence=tuple(piece for piece in found if piece)))
    return moved


def _texts(path: Path, id: str, settings: DocumentSettings) -> tuple[str, str]:
    """Return the file's own characters and its text as it is read, both "" where it can't be read."""
    try:
        text = read_document(path, id, settings).text
        return (decode(path.read_bytes()) if path.suffix in (".md", ".txt", ".rst") else text), text
    except (DocumentError, OSError):
        return "", ""


def _moved(piece: Evidence, own: str, text: str) -> Evidence | None:
    if own == text:
        return piece
    words = re.compile(rf"(?<!\w){re.escape(own[piece.start : piece.end])}(?!\w)")
    before, after = ([match.start() for match in words.finditer(each)] for each in (own, text))
    if len(before) != len(after) or piece.start not in before:
        return None
    start = after[before.index(piece.start)]
    return replace(piece, start=start, end=start + piece.end - piece.start)
