"""The sample corpus and its gold questions are what the documentation says they are."""

import json
import re
from collections import Counter
from pathlib import Path

from fakes import CORPUS, INCOMING, INDEXED, corpus_document

GOLD = [json.loads(line) for line in (CORPUS / "gold.jsonl").read_text(encoding="utf-8").splitlines()]


def text_of(name: str) -> str:
    return corpus_document(name).text


def test_corpus_is_large_enough_and_has_every_format():
    assert len(INDEXED) >= 40
    assert sum(len(text_of(name).split()) for name in INDEXED) >= 30_000
    assert {Path(name).suffix for name in INDEXED} == {".pdf", ".docx", ".html", ".md", ".txt", ".csv"}


def test_incoming_documents_are_not_indexed():
    assert len(INCOMING) == 8
    assert not set(INCOMING) & set(INDEXED)
    assert all(text_of(name) for name in INCOMING)


def test_gold_has_enough_questions_of_every_kind():
    kinds = Counter(row["kind"] for row in GOLD)
    assert len(GOLD) >= 240
    assert set(kinds) == {"single", "two", "unanswerable", "incoming"}
    assert kinds["single"] >= 120 and kinds["two"] >= 30 and kinds["unanswerable"] >= 60 and kinds["incoming"] >= 30


def test_gold_ids_and_questions_are_unique():
    assert len({row["id"] for row in GOLD}) == len(GOLD)
    assert len({row["question"].casefold() for row in GOLD}) == len(GOLD)


def test_gold_rows_name_documents_of_the_right_part():
    assert [row["id"] for row in GOLD if (row["document"] in INDEXED) != (row["kind"] != "incoming")] == []


def test_gold_evidence_is_literal_in_its_document():
    def literal(item):
        return text_of(item["document"])[item["start"] : item["start"] + len(item["text"])] == item["text"]

    wrong = [
        (row["id"], item["document"], item["start"]) for row in GOLD for item in row["evidence"] if not literal(item)
    ]
    assert not wrong


def test_unanswerable_questions_have_plausible_spans_and_no_answer():
    def right(row):
        text = re.sub(r"\s+", " ", text_of(row["document"]))
        empty = not row["answers"] and not row["evidence"] and row["start"] == -1
        return empty and row["plausible"] and all(span in text for span in row["plausible"])

    assert [row["id"] for row in GOLD if row["kind"] == "unanswerable" and not right(row)] == []


def test_answers_are_literal_and_inside_their_first_evidence():
    def right(row):
        first, answer = row["evidence"][0], row["answers"][0]
        end = row["start"] + len(answer)
        literal = row["document"] == first["document"] and text_of(row["document"])[row["start"] : end] == answer
        return literal and first["start"] <= row["start"] and end <= first["start"] + len(first["text"])

    assert [row["id"] for row in GOLD if row["kind"] != "unanswerable" and not right(row)] == []


def test_questions_of_two_documents_have_evidence_in_two():
    def documents(row):
        return len({item["document"] for item in row["evidence"]})

    wanted = {"two": 2, "single": 1, "incoming": 1, "unanswerable": 0}
    assert [row["id"] for row in GOLD if documents(row) != wanted[row["kind"]]] == []
