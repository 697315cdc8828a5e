"""Stand-ins and small builders that several test files use."""

import hashlib
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from hash_embedder import HashEmbedder
from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.discovery import find_files
from rag.documents.document import Document, read_document
from rag.documents.formats.text.plain_text import parse_markdown
from rag.generation.prompt import REFUSAL
from rag.models.span_scorer import SpanScores
from rag.retrieval.passage import Passage

CORPUS = Path(__file__).parents[2] / "corpus"
INDEXED = [name for _, name in find_files(CORPUS)]
INCOMING = [name for _, name in find_files(CORPUS / "incoming")]


@cache
def corpus_document(name: str) -> Document:
    return read_document(CORPUS / name, name)


class NeutralScorer:
    """A span scorer that knows nothing about where answers start and end."""

    digest = "0"

    def score(self, question, texts):
        return [SpanScores([], [], [])] * len(texts)


class Scripted:
    """A generator that answers every prompt with `says`, and as the base model with `base_says`.

    Its log-probabilities depend on the length of the batch, so that tests can tell batches apart. raises: an error,
    raised on batches in which the text of a prompt contains `on`.
    """

    device, precision, digest, name, block_attention = "cpu", "float32", "fedcba98", "scripted", False

    def __init__(self, tokenizer, says="40 tonnes [1]", base_says=REFUSAL, raises=None, on=""):
        self.tokenizer, self._says, self._base_says, self._raises, self._on = tokenizer, says, base_says, raises, on
        self._speaking, self.asked, self.prompts = says, 0, []

    @contextmanager
    def without_adapter(self):
        self._speaking = self._base_says
        yield
        self._speaking = self._says

    def generate(self, prompts, max_new_tokens, on_text=None):
        from rag.generation.generator import Generation

        ids = [p if isinstance(p, list) else p.ids for p in prompts]
        texts = [self.tokenizer.decode(i) for i in ids]
        if self._raises and any(self._on in text for text in texts):
            raise self._raises
        self.asked += len(prompts)
        self.prompts += texts
        if on_text:
            on_text(self._speaking)
        return [Generation(self._speaking, [-sum(map(len, ids)) / 1e4])] * len(prompts)

    def clear_cache(self):
        pass

    def generate_and_score(self, prompts, targets, max_new_tokens):
        return self.generate(prompts, max_new_tokens), [[-0.5] * len(ids) for ids in targets]


class FakeMeaning:
    """A groundedness model that scores each pair by `sure`, and remembers the pairs."""

    name, threshold = "fake", 0.5

    def __init__(self, sure=lambda claim, evidence: 1.0):
        self._sure, self.pairs = sure, []

    def scores(self, pairs):
        self.pairs += pairs
        return [self._sure(claim, text) for claim, text in pairs]


def document(name: str, text: str, source: str = "") -> Document:
    parsed, sections, *_ = parse_markdown(text.encode())
    return Document(
        name, source or f"/nowhere/{name}", name, parsed, tuple(sections), hashlib.sha256(text.encode()).hexdigest()
    )


def put(store, name: str, text: str, size: int = 520) -> None:
    made = document(name, text)
    chunks = chunk_document(made, ChunkSettings(size))
    store.put(made, chunks, HashEmbedder().passages([c.embedding_text for c in chunks]))


def passage(text: str, name: str = "doc.md", start: int = 0, headings: tuple[str, ...] = ("Title",)) -> Passage:
    return Passage(Chunk(name, "Title", start, start + len(text), text, headings, None), 0.0, None)


def says(text, read=100, written=10):
    """Return the reply of a chat endpoint."""
    return {"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": read, "completion_tokens": written}}
