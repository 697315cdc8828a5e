"""Folders of people's questions, in three shapes: benches, question pairs, and passages with questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from finetune.retriever.labelled_questions import LabelledQuestion, LabelledQuestions
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.discovery import find_files
from rag.documents.document import Document, read_document
from rag.documents.formats.base.sections import Section
from rag.labels.held_out import documents_of
from rag.models.embedder import Embedder

SURE_BY_ORDER = 5  # questions of a paragraph, at its beginning and at its end, whose label their order tells


def read_labelled_questions(folders: Sequence[Path], embedder: Embedder) -> LabelledQuestions:
    """Read the questions of all folders.

    A folder is a bench (documents/, questions.jsonl), question pairs (paragraphs.jsonl, pairs.jsonl, without answers)
    or passages with questions (passages.jsonl, questions.jsonl). Raises TrainingError for any other.
    """
    found = LabelledQuestions([], [], [])
    for folder in folders:
        if (folder / "pairs.jsonl").exists():
            found += _read_question_pairs(folder, embedder)
        elif (folder / "passages.jsonl").exists() and (folder / "questions.jsonl").exists():
            found += _read_passages(folder, embedder)
        elif (folder / "documents").exists() and (folder / "questions.jsonl").exists():
            found += _read_bench(folder, embedder)
        else:
            expected = "questions.jsonl with documents/ or passages.jsonl, or pairs.jsonl is expected"
            raise TrainingError(f"{folder} holds no questions of people: {expected}")
    return found


def _read_bench(folder: Path, embedder: Embedder) -> LabelledQuestions:
    """Read a bench. A question without an answer belongs to the chunk of its document that is nearest to it."""
    chunks = [
        chunk
        for path, id in find_files(folder / "documents")
        for chunk in chunk_document(read_document(path, id), ChunkSettings())
    ]
    rows = read_lines(folder / "questions.jsonl")
    texts, documents = [row["question"] for row in rows], [row["document"] for row in rows]
    nearest = _nearest_chunks(texts, documents, chunks, [chunk.document for chunk in chunks], embedder)
    names = [f"{folder.name}:{n}" for n in range(len(chunks))]
    questions, places = [], _Places(chunks)
    for row, near in zip(rows, nearest, strict=True):
        at = places.find(row["document"], row["start"]) if row["answers"] else near
        if at is not None:
            answer = row["answers"][0] if row["answers"] else ""
            start = row["start"] - chunks[at].start if answer else 0
            question = row["question"].strip()
            questions.append(LabelledQuestion(question, at, names[at], row["document"], answer, bool(answer), start))
    return LabelledQuestions(chunks, names, questions)


class _Places:
    """Finds the chunk that a character of a document is in."""

    def __init__(self, chunks: Sequence[Chunk]):
        self._of_document: dict[str, list[tuple[int, Chunk]]] = {}
        for n, chunk in enumerate(chunks):
            self._of_document.setdefault(chunk.document, []).append((n, chunk))

    def find(self, document: str, start: int) -> int | None:
        """Return the chunk's position among all, or None."""
        return next((n for n, c in self._of_document.get(document, []) if c.start <= start < c.end), None)


def _read_passages(folder: Path, embedder: Embedder) -> LabelledQuestions:
    """Read passages with questions. One without an answer belongs to the chunk of its passage that is nearest to it."""
    rows = read_lines(folder / "passages.jsonl")
    chunks = [
        chunk
        for row in rows
        for chunk in chunk_document(_document(row["id"], row["title"], row["text"]), ChunkSettings())
    ]
    asked = read_lines(folder / "questions.jsonl")
    without = [row for row in asked if not row["answers"]]
    homes = {row["passage"] for row in without}
    kept = [n for n, chunk in enumerate(chunks) if chunk.document in homes]
    near = _nearest_chunks(
        [row["question"] for row in without],
        [row["passage"] for row in without],
        [chunks[n] for n in kept],
        [chunks[n].document for n in kept],
        embedder,
    )
    nearest = {row["id"]: kept[at] for row, at in zip(without, near, strict=True) if at is not None}
    places = _Places(chunks)
    documents = documents_of(rows)
    questions = []
    for row in asked:
        at = places.find(row["passage"], row["start"]) if row["answers"] else nearest.get(row["id"])
        if at is not None:
            answer = row["answers"][0] if row["answers"] else ""
            start = row["start"] - chunks[at].start if answer else 0
            name, document = f"{folder.name}:{at}", documents[row["passage"]]
            questions.append(LabelledQuestion(row["question"].strip(), at, name, document, answer, bool(answer), start))
    return LabelledQuestions(chunks, [f"{folder.name}:{n}" for n in range(len(chunks))], questions)


def _read_question_pairs(folder: Path, embedder: Embedder) -> LabelledQuestions:
    """Read question pairs. A paragraph may make several chunks; a question belongs to the one nearest to it."""
    chunks: list[Chunk] = []
    names: list[str] = []
    for row in read_lines(folder / "paragraphs.jsonl"):
        name = f"{row['title']}:{row['paragraph']}"
        found = chunk_document(_document(name, row["title"].replace("_", " "), row["text"]), ChunkSettings())
        chunks, names = chunks + found, names + [name] * len(found)
    rows = read_lines(folder / "pairs.jsonl")
    paragraphs = [f"{row['title']}:{row['paragraph']}" for row in rows]
    nearest = _nearest_chunks([row["question"] for row in rows], paragraphs, chunks, names, embedder)
    labels = answerable_by_order(paragraphs)
    questions = [
        LabelledQuestion(row["question"].strip(), at, name, row["title"], "", answerable)
        for row, name, at, answerable in zip(rows, paragraphs, nearest, labels, strict=True)
        if at is not None
    ]
    return LabelledQuestions(chunks, names, questions)


def _document(name: str, title: str, text: str) -> Document:
    return Document(name, name, title, text, (Section(0, len(text), (title,)),), "")


def answerable_by_order(paragraphs: Sequence[str]) -> list[bool | None]:
    """Return which questions their paragraph answers, inferred from their order in SQuAD 2.0.

    paragraphs: the paragraph of each question. Of a paragraph's questions those kept from SQuAD 1.1 come first, and
    those written to have no answer last (Rajpurkar et al., 2018, arXiv 1806.03822); None in between. On squad2-half-a,
    whose labels are known, 0.99 of the labels are right (eval/LOG.md).
    """
    sizes, seen = Counter(paragraphs), Counter[str]()
    labels: list[bool | None] = []
    for paragraph in paragraphs:
        place, size = seen[paragraph], sizes[paragraph]
        seen[paragraph] += 1
        first, last = min(SURE_BY_ORDER, (size - 1) // 2), min(SURE_BY_ORDER, size // 2)
        labels.append(True if place < first else False if place >= size - last else None)
    return labels


def _nearest_chunks(
    questions: list[str], homes: list[str], chunks: list[Chunk], names: list[str], embedder: Embedder
) -> list[int | None]:
    """Return for each question the position of the chunk nearest to it among those named as its home is, or None."""
    by_name: dict[str, list[int]] = {}
    for n, name in enumerate(names):
        by_name.setdefault(name, []).append(n)
    vectors = embedder.passages([chunk.embedding_text for chunk in chunks])
    return [
        max(by_name[home], key=lambda n: float(vectors[n] @ query)) if home in by_name else None
        for home, query in zip(homes, embedder.passages(questions), strict=True)
    ]
