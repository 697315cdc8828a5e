"""Whatever happened to an index, it is the index of a fresh build: the same chunks, scores and passages, to the bit."""

import os
import random

import pytest

from hash_embedder import HashEmbedder
from index_processes import IDENTITY
from rag.core.sections import RetrievalSettings
from rag.index.indexing import IndexingSettings, compact, ingest, remove, sync
from rag.index.writer import StoreWriter
from rag.retrieval.retriever import Retriever

SEQUENCES = int(os.environ.get("RAGTUNE_SEQUENCES", "12"))
STEPS = 25
NOUNS = "crane mole pilot berth fender ferry winch ledger buoy lamp tide gauge gate permit pallet".split()
QUESTIONS = [
    "crane fender",
    "How wide is the mole gate?",
    "tide 17",
    "pallet permit ledger",
    "lamp buoy winch ferry",
    "zebra",
    "berth",
    "pilot pilot gauge",
]


class Counting(HashEmbedder):
    """Remembers how many texts it embedded."""

    count = 0

    def passages(self, texts, on_batch=lambda n: None):
        self.count += len(texts)
        return super().passages(texts, on_batch)


def some_text(rng: random.Random) -> str:
    sections = [
        f"# {rng.choice(NOUNS)} {rng.randint(0, 9)}\n\n" + " ".join(rng.choices(NOUNS, k=rng.randint(1, 120))) + "."
        for _ in range(rng.randint(0, 4))
    ]
    return "\n\n".join(sections) or "A note without a heading."


class House:
    """A folder of documents and an index of it, with random things done to both."""

    def __init__(self, folder, rng: random.Random):
        self.docs, self.index, self.rng, self.fresh = folder / "docs", folder / "index", rng, 0
        self.docs.mkdir(parents=True)
        self.embedder = Counting()
        self.done: list[str] = []
        for _ in range(rng.randint(0, 8)):
            self.add()
        self.open()

    def open(self) -> None:
        self.store = StoreWriter(self.index, IDENTITY, create=True)
        self.retriever = Retriever(self.store, HashEmbedder(), RetrievalSettings(passages=5))

    def files(self):
        return sorted(self.docs.rglob("*.md"))

    def path(self):
        self.fresh += 1
        folder = self.docs / self.rng.choice([".", "quay", "office"])
        folder.mkdir(exist_ok=True)
        return folder / f"{self.rng.choice(NOUNS)}-{self.fresh}.md"

    def add(self) -> None:
        others = self.files()
        same = others and self.rng.random() < 0.2  # the same text in two places
        self.path().write_text(self.rng.choice(others).read_text() if same else some_text(self.rng))

    def change(self) -> None:
        if self.files():
            self.rng.choice(self.files()).write_text(some_text(self.rng))

    def rename(self) -> None:
        if self.files():
            self.rng.choice(self.files()).rename(self.path())

    def delete(self) -> None:
        if self.files():
            self.rng.choice(self.files()).unlink()

    def reopen(self) -> None:
        self.store.close()
        self.open()

    def compact(self) -> None:
        compact(self.store)

    def sync(self) -> None:
        sync(self.store, self.embedder, self.docs, IndexingSettings(), remove_most=True)

    def ingest_some(self) -> None:
        if self.files():
            ingest(self.store, self.embedder, self.rng.sample(self.files(), 1), IndexingSettings())

    def remove_some(self) -> None:
        if self.store.documents():
            remove(self.store, self.rng.sample(sorted(self.store.documents()), 1))

    def look(self) -> None:
        self.retriever.refresh()
        self.retriever.search(self.rng.choice(QUESTIONS))

    def step(self) -> None:
        to_documents = [self.add, self.add, self.change, self.rename, self.delete]
        to_index = [self.sync, self.ingest_some, self.remove_some, self.compact, self.reopen, self.look, self.look]
        does = self.rng.choice(to_documents + to_index)
        self.done.append(does.__name__)
        does()


def everything(store: StoreWriter, retriever: Retriever):
    """Return what an index answers: its chunks, both searches' scores by document and position, and the passages."""
    positions, scores = store.positions(store.ids()), []
    for question in QUESTIONS:
        for hits in retriever.hits(question, HashEmbedder().question(question)):
            scores.append(sorted((positions[id], score) for id, score in hits))
    passages = [[(p.chunk, p.score, p.cosine) for p in retriever.search(question)] for question in QUESTIONS]
    return store.all_chunks(), scores, passages


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_sequence_of_changes_equals_a_fresh_build(seed, tmp_path, monkeypatch):
    rng = random.Random(seed)
    if seed % 2:
        monkeypatch.setattr(
            "rag.index.snapshot.LEAST", rng.choice([0, 5, 20])
        )  # so that search files are made anew in the middle of it
    house = House(tmp_path / "house", rng)
    for step in range(STEPS):
        house.step()
        if step % 5 == 4 or step == STEPS - 1:
            house.sync()
            house.retriever.refresh()
            fresh = StoreWriter(tmp_path / f"fresh-{step}", IDENTITY, create=True)
            sync(fresh, HashEmbedder(), house.docs, IndexingSettings())
            assert everything(house.store, house.retriever) == everything(
                fresh, Retriever(fresh, HashEmbedder(), RetrievalSettings(passages=5))
            ), house.done
            assert house.store.documents() == fresh.documents() and house.store.damage() == []
            sizes = [
                {name: count for name, count in store.size().items() if name != "removals remembered"}
                for store in (house.store, fresh)
            ]
            assert sizes[0] == sizes[1], house.done  # nothing is left behind, nothing is kept twice
            fresh.close()


def test_a_renamed_file_embeds_nothing_and_the_same_text_is_stored_once(tmp_path):
    house = House(tmp_path, random.Random(1))
    house.sync()
    before = house.embedder.count
    for path in house.files():
        path.rename(path.with_name(f"new-{path.name}"))
    report = sync(house.store, house.embedder, house.docs, IndexingSettings())
    assert (
        house.embedder.count == before
        and len(report.renamed) == len(house.files())
        and not report.added
        and not report.removed
    )
    for path in house.files():
        path.with_name(f"copy-{path.name}").write_bytes(path.read_bytes())
    texts, vectors = house.store.size()["texts"], house.store.size()["vectors"]
    assert sync(house.store, house.embedder, house.docs, IndexingSettings()).embedded == 0
    assert (house.store.size()["texts"], house.store.size()["vectors"]) == (texts, vectors)


def test_what_is_removed_is_in_no_file_after_a_compact(tmp_path):
    house = House(tmp_path, random.Random(2))
    secret = house.docs / "secret.md"
    secret.write_text("# Secret\n\nThe xylophonist hides the quartzbrick beneath the lamp.")
    house.sync()
    secret.unlink()
    house.sync()
    assert "secret.md" not in {p.chunk.document for p in house.retriever.search("xylophonist quartzbrick")}
    house.compact()
    for path in house.index.iterdir():
        assert b"quartzbrick" not in path.read_bytes().lower(), path


def test_the_same_questions_are_answered_alike_before_and_after_a_compact(tmp_path):
    house = House(tmp_path, random.Random(3))
    for _ in range(20):
        house.step()
    house.sync()
    house.retriever.refresh()
    before = everything(house.store, house.retriever)
    house.compact()
    assert everything(house.store, Retriever(house.store, HashEmbedder(), RetrievalSettings(passages=5))) == before
