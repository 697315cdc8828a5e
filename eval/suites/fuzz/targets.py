"""What is fuzzed: each target makes its good inputs once, and returns what makes a broken one and tries it."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eval.suites.fuzz.mutation import ZIP, Check, mutated, mutated_member

CORPUS = Path("corpus")


def _readers(*suffixes: str) -> Callable[[], Check]:
    def make() -> Check:
        from rag.core.sections import DocumentSettings
        from rag.documents.formats.registry import parse

        files = [path for path in sorted(CORPUS.rglob("*")) if path.suffix in suffixes]
        seeds = [data for path in files if len(data := path.read_bytes()) < 60_000] + _more_seeds(suffixes)
        settings = DocumentSettings(max_seconds=8, max_pages=50, max_unpacked=30_000_000)

        def check(draw: random.Random) -> object:
            make = mutated_member if seeds[0].startswith(ZIP) and draw.random() < 0.8 else mutated
            return parse(f"a{draw.choice(suffixes)}", make(seeds, draw), settings)

        return check

    return make


def _more_seeds(suffixes: tuple[str, ...]) -> list[bytes]:
    """Return inputs of formats that the sample corpus has few of."""
    table = b"a;b\n1;2\n3;4\n"
    mail = b"From: a@example.org\nSubject: Fees\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=X\n\n"
    mail += b"--X\nContent-Type: text/html\n\n<p>Fees</p>\n--X\nContent-Disposition: attachment; filename=a.csv\n\n"
    seeds = {
        ".csv": [table],
        ".eml": [mail + table + b"\n--X--\n"],
        ".mbox": [b"From a@example.org Mon May  4 10:00:00 2026\n" + mail + table + b"\n--X--\n"],
        ".json": [b'[{"berth": "A1"}, {"berth": "B2", "stays": [{"year": 2025}]}]'],
        ".jsonl": [b'{"berth": "A1"}\n{"berth": "B2"}\n'],
        ".ipynb": [
            json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A\n", "b"]}], "nbformat": 4}).encode()
        ],
        ".ics": [b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Gate\nDTSTART:20260504T100000Z\nEND:VEVENT\nEND:VCALENDAR\n"],
        ".py": [b"class A:\n    def f(self):\n        '''Doc.'''\n        return 1\n"],
        ".go": [b"package a\n\nfunc F(n int) bool {\n\treturn n <= 4\n}\n"],
        ".rst": [b"Port\n====\n\n+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n+---+---+\n\n.. note:: Pay.\n"],
    }
    return [seed for suffix in suffixes for seed in seeds.get(suffix, [])]


def _settings() -> Check:
    from rag.core.settings import Settings

    seeds = [b'[answer]\nleast = 0.5\n[model]\ngenerator = "a"\nhub = false\n', b"[chunk]\nsize = 520\n[prefix]\n"]
    names = ("answer.least", "chunk.size", "documents.max_seconds", "model.device", "serve.port", "a.b", "model.hub")
    folder = Path(tempfile.mkdtemp())

    def check(draw: random.Random) -> object:
        (folder / "ragtune.toml").write_bytes(mutated(seeds, draw))
        value = mutated([b"0.5", b"true", b"520", b"1e3", b"cpu"], draw).decode("utf-8", "replace")
        return Settings([f"{draw.choice(names)}={value}"], folder / draw.choice(("ragtune.toml", "none.toml")))

    return check


def _labels() -> Check:
    from rag.labels.label_file import read_label_file

    seeds = [
        b"question;answer;document\nWho?;Ann;a.md\nWhen?;;b.md\n",
        b'question,answers\n"What, then?","[""40 t"", ""40 tonnes""]"\n',
        b'{"data": [{"title": "a", "paragraphs": [{"context": "Ann went.", "qas": [{"question": "Who?", "id": "1", '
        b'"answers": [{"text": "Ann", "answer_start": 0}]}]}]}]}',
        b'{"question": "Who?", "answers": {"text": ["Ann"], "answer_start": [0]}, "context": "Ann went."}\n' * 3,
        b'[{"user_input": "Who?", "reference": "Ann", "retrieved_contexts": ["Ann went."]}]',
        b'{"id": "7", "question": "Who?", "answers": ["Ann"], "document": "crane.md", "start": 16}\n',
        b'{"tests": [{"vars": {"question": "Who?"}, "assert": [{"type": "equals", "value": "Ann"}]}]}',
    ]
    path = Path(tempfile.mkdtemp()) / "own.csv"

    def check(draw: random.Random) -> object:
        path.write_bytes(mutated(seeds, draw))
        return read_label_file(path)

    return check


def _search_files() -> Check:
    from rag.index.bm25 import BM25Index
    from rag.index.dense import DenseIndex

    folder, draw = Path(tempfile.mkdtemp()), np.random.default_rng(0)
    ids = np.arange(1, 40, dtype=np.int64)
    BM25Index.build(ids, [f"the crane number {n} lifts {n % 7} tonnes" for n in ids]).save(folder / "lexical.bin", 3)
    DenseIndex.build(ids, draw.normal(size=(len(ids), 16)).astype(np.float16)).save(folder / "dense.bin", 3)
    seeds = {
        kind: [(folder / f"{name}.bin").read_bytes()] for name, kind in (("lexical", BM25Index), ("dense", DenseIndex))
    }

    def check(draw: random.Random) -> object:
        kind = draw.choice((BM25Index, DenseIndex))
        (folder / "broken.bin").write_bytes(mutated(seeds[kind], draw))
        return kind.load(folder / "broken.bin")

    return check


def _store() -> Check:
    from rag.core.chunk import Chunk
    from rag.documents.document import Document
    from rag.index.store import STORE_FILE, DocumentStore
    from rag.index.writer import StoreWriter

    good, folder = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    store = StoreWriter(good, {"embedder": "e", "chunker": "c"}, create=True)
    for n in range(12):
        text = f"The crane number {n} lifts {n} tonnes."
        chunk = Chunk(f"d{n}.md", "Cranes", 0, len(text), text, ("Cranes", "Lifts"), n or None)
        store.put(
            Document(f"d{n}.md", f"/d{n}.md", "Cranes", text, (), "0" * 64), [chunk], np.ones((1, 16), np.float16)
        )
    store.clean(store.change)
    store.close()
    seed = (good / STORE_FILE).read_bytes()

    def check(draw: random.Random) -> object:
        data = bytearray(seed)
        for _ in range(draw.choice((1, 1, 2, 20))):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (folder / STORE_FILE).write_bytes(data[: draw.choice((len(data), len(data), draw.randrange(len(data))))])
        for name in ("-wal", "-shm"):
            folder.joinpath(STORE_FILE + name).unlink(missing_ok=True)
        broken = DocumentStore(folder, {"embedder": "e", "chunker": "c"})
        try:
            broken.damage()
            found = broken.documents(), broken.folders, broken.unread(), broken.all_chunks(), broken.size()
            return found, broken.vectors(broken.ids()), broken.changes_since(1), broken.chunk_counts(), broken.delta
        finally:
            broken.close()

    return check


def _registry() -> Check:
    from rag.models import registry
    from rag.server.state.running import find_server
    from rag.server.state.splits import read_split

    folder = Path(tempfile.mkdtemp())
    adapters, server = folder / "adapters", folder / "server"
    adapters.mkdir()
    server.mkdir()
    states = b'{"generator": {"folder": "default-generator-01", "why": "better"}}\n' * 2
    files = {
        adapters / "live.json": [states, b'{"adapter": "a", "why": "b"}\n'],
        adapters / "verdicts.json": [b'{"generator": "default: kept"}'],
        server / "split.json": [b'{"id": "a", "a": "base", "b": "reader", "share": 0.5, "begun": "now", "ended": ""}'],
        server / "running.json": [b'{"host": "127.0.0.1", "port": 1, "token": "t", "pid": 1, "settings": []}'],
    }

    def check(draw: random.Random) -> object:
        for path, seeds in files.items():
            path.write_bytes(mutated(seeds, draw) if draw.random() < 0.5 else seeds[0])
        return (
            find_server(folder),
            read_split(folder),
            list(registry.describe(folder, dict.fromkeys(registry.COMPONENTS, ""))),
        )

    return check


def _adapter() -> Check:
    from rag.answering.spans.confidence import read_recalibration
    from rag.models.adapters import questions_about, read_identity
    from rag.models.weight_delta import read_delta_identity

    folder = Path(tempfile.mkdtemp())
    files = {
        "identity.json": [b'{"base": "0123", "precision": "float32", "prompt": "abcd", "run": "r", "data": "d"}'],
        "record.json": [b'{"questions": [{"id": "a.md:0:Who?", "documents": ["a.md"]}], "documents": {"train": []}}'],
        "confidence.json": [b'{"slope": 1.0, "intercept": 0.0}'],
        "delta.json": [b'{"base": "0123", "name": "n"}'],
    }

    def check(draw: random.Random) -> object:
        for name, seeds in files.items():
            (folder / name).write_bytes(mutated(seeds, draw) if draw.random() < 0.5 else seeds[0])
        reads = (
            read_identity,
            read_delta_identity,
            read_recalibration,
            lambda folder: questions_about(folder, ["a.md"]),
        )
        return draw.choice(reads)(folder)

    return check


def _reply() -> Check:
    from rag.documents.formats.base.sections import Parsed, Section
    from rag.documents.parser_protocol import ProtocolError, decode_reply, encode_parsed

    seeds = [encode_parsed(Parsed("Port\n\nFees", [Section(0, 4, ("Port",), 1), Section(6, 10, ("Port", "F"), None)]))]

    def check(draw: random.Random) -> object:
        try:
            return decode_reply(mutated(seeds, draw))
        except ProtocolError:
            return None

    return check


def _answers() -> Check:
    from rag.answering.answer import generated_answer
    from rag.core.chunk import Chunk
    from rag.generation.generator import Generation
    from rag.generation.prompt import parse_answer
    from rag.retrieval.passage import Passage

    texts = [path.read_text(encoding="utf-8") for path in sorted(CORPUS.rglob("*.md"))]
    outputs = [
        b"40 tonnes [1]",
        b"The documents do not answer this.",
        b"Yes. It is 40 t [1][2]; 3 days [99]",
        b"[7[9]]",
    ]

    def check(draw: random.Random) -> object:
        shown = []
        for n in range(draw.randrange(4)):
            text = draw.choice(texts)
            at = draw.randrange(len(text))
            piece = text[at : at + 400]
            shown.append(Passage(Chunk(f"d{n}.md", "T", at, at + len(piece), piece, (), None), 1.0, 1.0))
        own = [each.chunk.text.encode() for each in shown]
        output = mutated([*outputs, *own], draw).decode("utf-8", "replace")[:2000]
        parse_answer(output)
        answer = generated_answer(Generation(output, [-0.5]), shown)
        for citation in answer.citations:
            assert citation.quote in shown[citation.passage - 1].chunk.text, "a quote that is not literal"
        return answer

    return check


def _questions() -> Check:
    from rag.answering.comparisons.sub_questions import split_question
    from rag.retrieval.query_rewriting import Turn, rewrite_followup

    seeds = [b"When was Kestrel Bay built?", b"And on Sundays?", b"How much longer is A than B?", b"Which of A and B?"]

    def check(draw: random.Random) -> object:
        asked = [mutated(seeds, draw).decode("utf-8", "replace")[:1000] for _ in range(3)]
        return split_question(asked[0]), rewrite_followup(asked[1], Turn(asked[2], "1998"))

    return check


TARGETS: dict[str, Callable[[], Check]] = {
    "markdown, text, code": _readers(".md", ".txt", ".rst", ".py", ".go"),
    "html": _readers(".html"),
    "pdf": _readers(".pdf"),
    "office": _readers(".docx", ".pptx", ".xlsx"),
    "tables, json": _readers(".csv", ".tsv", ".json", ".jsonl", ".ipynb"),
    "mail, calendar": _readers(".eml", ".mbox", ".ics"),
    "settings": _settings,
    "labels": _labels,
    "search files": _search_files,
    "store": _store,
    "registry": _registry,
    "adapter": _adapter,
    "parser's reply": _reply,
    "answers": _answers,
    "questions": _questions,
}
