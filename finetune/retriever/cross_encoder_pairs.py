"""Pairs for the cross-encoder, from people's questions: texts that belong together, and near misses that do not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from finetune.mining.answer_spans import find_answer_spans
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines
from rag.core.sections import ChunkSettings
from rag.core.sentences import sentence_spans
from rag.core.text_metrics import normalize
from rag.documents.chunking import chunk_document
from rag.documents.discovery import find_files
from rag.documents.document import Document, read_document
from rag.index.bm25 import BM25Index
from rag.models.cross_encoder import claim_and_evidence
from rag.models.embedder import Embedder
from rag.retrieval.retriever import reciprocal_rank_fusion

NEAR = 20  # passages that come back for a question; its wrong ones are drawn from them


@dataclass(frozen=True)
class LabelledQuestion:
    """A person's question. home: position of the chunk that it was asked of; paragraph: of what it must not be told apart; document: its name or title;
    answer: "" where unknown, and start: where it begins in the text of its chunk; answerable: whether the chunk answers it, None where unknown."""

    question: str
    home: int
    paragraph: str
    document: str
    answer: str
    answerable: bool | None
    start: int = 0


@dataclass(frozen=True)
class RelevancePair:
    """What the cross-encoder reads, whether the second text bears out the first, and what the pair teaches."""

    claim: str
    evidence: str
    label: int
    kind: str


def read_labelled_questions(
    folders: list[Path], embedder: Embedder
) -> tuple[list[Chunk], list[str], list[LabelledQuestion]]:
    """-> chunks, the paragraph of each, and questions, of folders in the shape of a bench (documents/, questions.jsonl) or of question pairs
    (paragraphs.jsonl, pairs.jsonl, no answers). Raises TrainingError for any other."""
    chunks: list[Chunk] = []
    paragraphs: list[str] = []
    asked: list[LabelledQuestion] = []
    for folder in folders:
        if (folder / "pairs.jsonl").exists():
            read = _question_pairs(folder, embedder)
        elif (folder / "questions.jsonl").exists():
            read = _bench(folder, embedder)
        else:
            raise TrainingError(
                f"{folder} is neither a bench nor question pairs: questions.jsonl or pairs.jsonl is expected"
            )
        found, names, questions = read
        asked += [replace(q, home=q.home + len(chunks)) for q in questions]
        chunks, paragraphs = chunks + found, paragraphs + names
    return chunks, paragraphs, asked


def _bench(folder: Path, embedder: Embedder) -> tuple[list[Chunk], list[str], list[LabelledQuestion]]:
    """Of a question that has no answer, the chunk of its document that is nearest to it is taken for its home."""
    chunks = [
        c
        for path, id in find_files(folder / "documents")
        for c in chunk_document(read_document(path, id), ChunkSettings())
    ]
    rows = read_lines(folder / "questions.jsonl")
    nearest = _nearest(
        [row["question"] for row in rows],
        [row["document"] for row in rows],
        chunks,
        [c.document for c in chunks],
        embedder,
    )
    asked = []
    for row, near in zip(rows, nearest, strict=True):
        own = next(
            (n for n, c in enumerate(chunks) if c.document == row["document"] and c.start <= row["start"] < c.end), None
        )
        home = own if row["answers"] else near
        if home is not None:
            answer = row["answers"][0] if row["answers"] else ""
            start = row["start"] - chunks[home].start if answer else 0
            asked.append(
                LabelledQuestion(
                    row["question"].strip(), home, f"{folder.name}:{home}", row["document"], answer, bool(answer), start
                )
            )
    return chunks, [f"{folder.name}:{n}" for n in range(len(chunks))], asked


def _question_pairs(folder: Path, embedder: Embedder) -> tuple[list[Chunk], list[str], list[LabelledQuestion]]:
    """Of a paragraph that makes several chunks, the one nearest the question is taken for its home."""
    chunks, names, asked = [], [], []
    for row in read_lines(folder / "paragraphs.jsonl"):
        name = f"{row['title']}:{row['paragraph']}"
        found = chunk_document(_document(name, row["title"].replace("_", " "), row["text"]), ChunkSettings())
        chunks, names = chunks + found, names + [name] * len(found)
    rows = read_lines(folder / "pairs.jsonl")
    homes = [f"{row['title']}:{row['paragraph']}" for row in rows]
    nearest = _nearest([row["question"] for row in rows], homes, chunks, names, embedder)
    for row, name, home, answerable in zip(rows, homes, nearest, told_by_order(homes), strict=True):
        if home is not None:
            asked.append(LabelledQuestion(row["question"].strip(), home, name, row["title"], "", answerable))
    return chunks, names, asked


def told_by_order(paragraphs: list[str]) -> list[bool | None]:
    """-> which of the questions, in the order in which SQuAD 2.0 has them, their paragraph answers: those kept from SQuAD 1.1 come first, those written to have
    no answer last (Rajpurkar et al., arXiv 1806.03822); None in between. On squad2-half-a, whose labels are known, it is right of 0.99 (eval/LOG.md)."""
    sizes, seen, told = Counter(paragraphs), Counter[str](), []
    for paragraph in paragraphs:
        place, size = seen[paragraph], sizes[paragraph]
        seen[paragraph] += 1
        first, last = min(5, (size - 1) // 2), min(5, size // 2)
        told.append(True if place < first else False if place >= size - last else None)
    return told


def _nearest(
    questions: list[str], homes: list[str], chunks: list[Chunk], names: list[str], embedder: Embedder
) -> list[int | None]:
    """-> for each question the chunk nearest to it among those that bear the name of its home, None where none does."""
    places: dict[str, list[int]] = {}
    for n, name in enumerate(names):
        places.setdefault(name, []).append(n)
    vectors, asked = embedder.passages([c.embedding_text for c in chunks]), embedder.passages(questions)
    return [
        max(places[home], key=lambda n: float(vectors[n] @ vector)) if home in places else None
        for home, vector in zip(homes, asked, strict=True)
    ]


def _document(name: str, title: str, text: str) -> Document:
    from rag.documents.formats.sections import Section

    return Document(name, name, title, text, (Section(0, len(text), (title,)),), "")


def make_relevance_pairs(
    chunks: list[Chunk],
    paragraphs: list[str],
    asked: list[LabelledQuestion],
    embedder: Embedder,
    wrong: int,
    seed: int = 0,
) -> Iterator[RelevancePair]:
    """-> pairs of question and passage ("relevance"), of question and passage where only an answer counts ("answers"; "elsewhere" if it is another passage),
    and of question with an answer and its sentence ("support"). wrong: near misses a question."""
    rng = random.Random(seed)
    for q, found in near_of(chunks, asked, embedder):
        near = [n for n in found if paragraphs[n] != q.paragraph]
        if q.answerable is not False:
            yield RelevancePair(q.question, chunks[q.home].search_text, 1, "relevance")
            yield from (
                RelevancePair(q.question, chunks[n].search_text, 0, "relevance")
                for n in rng.sample(near, min(wrong, len(near)))
            )
        yield from _answered(q, chunks, near, rng)
        yield from _support(q, chunks, near, rng)


def near_of(
    chunks: list[Chunk], asked: list[LabelledQuestion], embedder: Embedder
) -> Iterator[tuple[LabelledQuestion, list[int]]]:
    """-> each question with the positions of the NEAR chunks that come back for it, best first."""
    lexical = BM25Index.build(np.arange(len(chunks)), [c.search_text for c in chunks])
    vectors = embedder.passages([c.embedding_text for c in chunks])
    for q, vector in zip(asked, embedder.passages([q.question for q in asked]), strict=True):
        yield q, _near(q.question, vector, vectors, lexical)


def _answered(q: LabelledQuestion, chunks: list[Chunk], near: list[int], rng: random.Random) -> Iterator[RelevancePair]:
    """Nobody asks this of the cross-encoder; what it learns by it, boundaries go on from."""
    if q.answerable is not None:
        yield RelevancePair(f"answered: {q.question}", chunks[q.home].search_text, int(q.answerable), "answers")
    if q.answerable and near:
        yield RelevancePair(f"answered: {q.question}", chunks[rng.choice(near)].search_text, 0, "elsewhere")


def _near(question: str, vector: np.ndarray, vectors: np.ndarray, lexical: BM25Index) -> list[int]:
    dense = np.argsort(-(vectors @ vector), kind="stable")[:NEAR].tolist()
    fused = reciprocal_rank_fusion([dense, [n for n, _ in lexical.search(question, NEAR)[:NEAR]]])
    return sorted(fused, key=lambda n: (-fused[n], n))[:NEAR]


def _support(q: LabelledQuestion, chunks: list[Chunk], near: list[int], rng: random.Random) -> Iterator[RelevancePair]:
    """The right answer with its sentence; against it other spans with theirs: of that sentence, of that passage, and of passages near the question."""
    if not q.answer:
        return
    home = chunks[q.home]
    here, elsewhere = [], []
    for first, last in sentence_spans(home.text):
        if q.answer in home.text[first:last]:
            yield RelevancePair(*claim_and_evidence(q.question, q.answer, home, (first, last)), 1, "support")
            here += _wrong_spans(q, home, first, last)
        else:
            elsewhere += _wrong_spans(q, home, first, last)
    far = [
        pair
        for n in near[:6]
        for first, last in sentence_spans(chunks[n].text)
        for pair in _wrong_spans(q, chunks[n], first, last)
    ]
    for pairs, count in ((here, 2), (elsewhere, 2), (far, 2)):
        yield from rng.sample(pairs, min(count, len(pairs)))


def _wrong_spans(q: LabelledQuestion, chunk: Chunk, first: int, last: int) -> list[RelevancePair]:
    """-> pairs of the question with the sentence's names, amounts, dates and other spans that share no word with the answer."""
    taken = set(normalize(q.answer).split())
    spans = {
        span for _, _, span in find_answer_spans(chunk.text[first:last]) if not taken & set(normalize(span).split())
    }
    return [
        RelevancePair(*claim_and_evidence(q.question, span, chunk, (first, last)), 0, "support")
        for span in sorted(spans)
    ]
