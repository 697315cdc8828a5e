"""The sample corpus and its gold questions are what the documentation says they are."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from rag.documents import find_files, read_document

CORPUS = Path(__file__).parents[1] / "corpus"
GOLD = [json.loads(line) for line in (CORPUS / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
INDEXED = [name for _, name in find_files(CORPUS)]


@cache
def text_of(name: str) -> str:
    return read_document(CORPUS / name, name).text


def test_corpus_is_large_enough_and_has_every_format():
    assert len(INDEXED) >= 40
    assert sum(len(text_of(name).split()) for name in INDEXED) >= 30_000
    assert {Path(name).suffix for name in INDEXED} == {".pdf", ".docx", ".html", ".md", ".txt", ".csv"}


def test_incoming_documents_are_not_indexed():
    incoming = [name for _, name in find_files(CORPUS / "incoming")]
    assert len(incoming) == 8
    assert not set(incoming) & set(INDEXED)
    assert all(text_of(name) for name in incoming)


def test_gold_has_enough_questions_of_every_kind():
    kinds = Counter(row["kind"] for row in GOLD)
    assert len(GOLD) >= 240
    assert set(kinds) == {"single", "two", "unanswerable", "incoming"}
    assert kinds["single"] >= 120 and kinds["two"] >= 30 and kinds["unanswerable"] >= 60 and kinds["incoming"] >= 30


def test_gold_ids_and_questions_are_unique():
    assert len({row["id"] for row in GOLD}) == len(GOLD)
    assert len({row["question"].casefold() for row in GOLD}) == len(GOLD)


@pytest.mark.parametrize("row", GOLD, ids=lambda row: row["id"])
def test_gold_row_agrees_with_its_documents(row):
    assert (row["document"] in INDEXED) == (row["kind"] != "incoming")
    for item in row["evidence"]:
        assert text_of(item["document"])[item["start"] : item["start"] + len(item["text"])] == item["text"]
    if row["kind"] == "unanswerable":
        text = re.sub(r"\s+", " ", text_of(row["document"]))
        assert not row["answers"] and not row["evidence"] and row["start"] == -1
        assert row["plausible"] and all(span in text for span in row["plausible"])
        return
    first, answer = row["evidence"][0], row["answers"][0]
    assert row["document"] == first["document"]
    assert text_of(row["document"])[row["start"] : row["start"] + len(answer)] == answer
    assert first["start"] <= row["start"] and row["start"] + len(answer) <= first["start"] + len(first["text"])
    assert len({item["document"] for item in row["evidence"]}) == (2 if row["kind"] == "two" else 1)
