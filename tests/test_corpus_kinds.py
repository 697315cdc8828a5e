"""The sample corpus's gold questions whose answer is not one short span are what the documentation says they are."""

import json
import re
from collections import Counter

from fakes import CORPUS, INDEXED, corpus_document
from rag.core.near_duplicates import question_resemblance

ROWS = [json.loads(line) for line in (CORPUS / "gold_kinds.jsonl").read_text(encoding="utf-8").splitlines()]
GOLD = [json.loads(line) for line in (CORPUS / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
ANSWERABLE = [row for row in ROWS if row["kind"] != "unanswerable"]
FIELDS = {"id", "question", "answers", "plausible", "document", "start", "kind", "evidence"}  # of every row
OWN = {
    "list": {"items"},
    "yes-no": {"polarity", "condition"},
    "steps": set(),
    "comparison": {"sides"},
    "difference": {"values", "operator", "sum"},
    "unanswerable": {"asked"},
}
PARTS = {"list": "items", "comparison": "sides", "difference": "values"}  # each part with wordings and evidence


def of_kind(kind: str) -> list[dict]:
    return [row for row in ROWS if row["kind"] == kind]


def parts(row: dict) -> list[dict]:
    return row[PARTS[row["kind"]]] if row["kind"] in PARTS else []


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def terms(question: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", question.casefold()))


def test_every_row_has_the_fields_of_its_kind():
    assert [row["id"] for row in ROWS if row.keys() != FIELDS | OWN[row["kind"]]] == []


def test_there_are_enough_questions_of_every_kind():
    kinds = Counter(row["kind"] for row in ROWS)
    assert len(ROWS) == 60 and kinds.keys() == OWN.keys()
    assert all(10 <= kinds[kind] <= 12 for kind in kinds if kind != "unanswerable") and kinds["unanswerable"] == 8


def test_ids_and_questions_are_unique_and_not_in_gold():
    rows = ROWS + GOLD
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["question"].casefold() for row in rows}) == len(rows)


def test_no_question_is_nearly_one_of_gold_or_of_another_kind():
    asked = [(row["id"], terms(row["question"])) for row in ROWS]
    others = asked + [(row["id"], terms(row["question"])) for row in GOLD]
    near = [
        (this, other)
        for this, its_terms in asked
        for other, other_terms in others
        if this != other and question_resemblance(its_terms, other_terms) >= 0.5
    ]
    assert near == []


def test_questions_ask_about_many_indexed_documents():
    documents = {row["document"] for row in ROWS} | {item["document"] for row in ROWS for item in row["evidence"]}
    assert documents <= set(INDEXED)
    assert len(documents) >= 35


def test_evidence_is_literal_in_its_document_and_the_row_starts_at_its_first():
    def literal(item):
        text = corpus_document(item["document"]).text
        return item["text"] and text[item["start"] : item["start"] + len(item["text"])] == item["text"]

    def right(row):
        first = row["evidence"][0]
        return (row["document"], row["start"]) == (first["document"], first["start"]) and all(
            literal(item) for item in row["evidence"]
        )

    assert [row["id"] for row in ANSWERABLE if not right(row)] == []


def test_answers_are_lists_of_words():
    def worded(answers):
        return bool(answers) and all(isinstance(answer, str) and answer.strip() == answer != "" for answer in answers)

    def right(row):
        return worded(row["answers"]) and all(worded(part["answers"]) for part in parts(row))

    assert [row["id"] for row in ANSWERABLE if not right(row)] == []


def test_each_part_stands_in_its_evidence_and_the_row_has_no_other():
    def right(row):
        literal = all(part["answers"][0] in one_line(part["evidence"]["text"]) for part in parts(row))
        used = [part["evidence"] for part in parts(row)]
        return literal and all(item in row["evidence"] for item in used) and all(it in used for it in row["evidence"])

    assert [row["id"] for row in ANSWERABLE if row["kind"] in PARTS and not right(row)] == []


def test_lists_have_two_to_eight_items_and_some_are_spread():
    assert [row["id"] for row in of_kind("list") if not 2 <= len(row["items"]) <= 8] == []
    assert sum(len(row["evidence"]) > 1 for row in of_kind("list")) >= 4
    assert sum(len({item["document"] for item in row["evidence"]}) > 1 for row in of_kind("list")) >= 3


def test_half_of_yes_no_are_yes_and_some_have_a_condition():
    rows = of_kind("yes-no")
    assert Counter(row["polarity"] for row in rows) == {"yes": len(rows) / 2, "no": len(rows) / 2}
    assert sum(bool(row["condition"]) for row in rows) >= 3

    def right(row):
        word, condition = row["polarity"].capitalize(), row["condition"]
        wanted = {f"{word}, {wording}" for wording in condition} or {word}
        literal = not condition or any(condition[0] in one_line(item["text"]) for item in row["evidence"])
        return set(row["answers"]) == wanted and literal

    assert [row["id"] for row in rows if not right(row)] == []


def test_steps_are_one_to_five_sentences_in_order():
    def right(row):
        starts = [item["start"] for item in row["evidence"]]
        texts = [one_line(item["text"]) for item in row["evidence"]]
        sentences = 1 <= len(texts) <= 5 and all(text.endswith(".") for text in texts)
        one_document = len({item["document"] for item in row["evidence"]}) == 1
        return sentences and one_document and starts == sorted(starts) and row["answers"][0] == " ".join(texts)

    assert [row["id"] for row in of_kind("steps") if not right(row)] == []


def test_comparisons_have_two_sides_with_evidence_of_their_own():
    def right(row):
        named = all(side.keys() == {"of", "answers", "evidence"} and side["of"] for side in row["sides"])
        return named and len(row["sides"]) == 2 and len(row["evidence"]) == 2

    assert [row["id"] for row in of_kind("comparison") if not right(row)] == []


def test_differences_come_out_as_their_answer():
    def right(row):
        first, second = (value["number"] for value in row["values"])
        result = first - second if row["operator"] == "−" else first + second
        left, shown = row["sum"].split(" = ")
        said = re.match(r"(?:£|GBP )?([\d,.]+)", row["answers"][0])
        return (
            row["operator"] in ("−", "+")
            and f" {row['operator']} " in left
            and shown == row["answers"][0]
            and float(said[1].replace(",", "")) == round(result, 2)
        )

    assert [row["id"] for row in of_kind("difference") if not right(row)] == []


def test_unanswerable_questions_name_a_kind_and_have_plausible_spans_and_no_answer():
    def right(row):
        text = one_line(corpus_document(row["document"]).text)
        empty = not row["answers"] and not row["evidence"] and row["start"] == -1
        return empty and row["plausible"] and all(span in text for span in row["plausible"])

    rows = of_kind("unanswerable")
    assert [row["id"] for row in rows if not right(row)] == []
    assert {row["asked"] for row in rows} == OWN.keys() - {"unanswerable"}
