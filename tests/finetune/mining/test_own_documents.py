"""`make train` where the index holds the sample corpus beside one's own documents."""

from types import SimpleNamespace

from finetune.cli.stages import _own_documents
from hash_embedder import HashEmbedder
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.index.sample import SAMPLE
from rag.retrieval.retriever import Retriever

SAMPLE_TEXTS = {"crane.md": "The crane lifts 40 tonnes.", "mole.md": "The mole is 640 metres long."}
OWN = {"oven.md": "The oven bakes 90 loaves.", "van.md": "The van carries 40 crates."}


def searcher(store, monkeypatch):
    """What is mined from a store in which SAMPLE_TEXTS are documents of the sample corpus."""
    documents = {id: (str(SAMPLE / id) if id in SAMPLE_TEXTS else f"/own/{id}", "1") for id in store.documents()}
    monkeypatch.setattr("rag.factory.open_store", lambda *_: SimpleNamespace(documents=lambda: documents))
    retriever = Retriever(store, HashEmbedder(), RetrievalSettings())
    monkeypatch.setattr("rag.factory.open_retriever", lambda *_: retriever)
    return _own_documents(Settings(), store.folder)


def test_neither_questions_nor_passages_come_from_the_sample(tiny_index, monkeypatch, capsys):
    found = searcher(tiny_index({**SAMPLE_TEXTS, **OWN}), monkeypatch)
    assert {chunk.document for chunk in found.chunks} == set(OWN)
    assert {passage.chunk.document for passage in found.search("What does the crane lift?", 9)} == set(OWN)
    assert "2 documents of the sample corpus" in capsys.readouterr().out


def test_the_sample_alone_is_mined(tiny_index, monkeypatch, capsys):
    found = searcher(tiny_index(SAMPLE_TEXTS), monkeypatch)
    assert {chunk.document for chunk in found.chunks} == set(SAMPLE_TEXTS) and capsys.readouterr().out == ""
