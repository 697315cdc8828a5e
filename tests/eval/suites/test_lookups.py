from collections import Counter
from pathlib import Path

import pytest

from eval.runs.questions import read_questions
from eval.suites.lookup_tables import make_tables
from eval.suites.lookups import FILE, as_text, lookup_figures, outcome
from eval.suites.table_files import Shown, Table, table_document
from rag.documents.document import parse_document

TABLES = {table.file: table for table in make_tables()}
QUESTIONS = read_questions(FILE)


def test_ten_questions_of_each_table_and_one_row_missing():
    assert len(TABLES) == 12 and Counter(q.document for q in QUESTIONS) == dict.fromkeys(TABLES, 10)
    kinds = Counter(q.kind for q in QUESTIONS)
    assert kinds["no row"] == 12 and kinds["no column"] == 7 and kinds["key"] == 24
    assert all(q.answerable == (q.kind in ("cell", "key")) for q in QUESTIONS)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.answers], ids=lambda q: q.id)
def test_one_row_holds_every_answer(question):
    rows = [" | ".join(map(str, row)) for row in TABLES[question.document].rows]
    assert any(all(answer in row for answer in question.answers) for row in rows)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.file)
def test_documents_are_made_and_read_the_same_each_time(table):
    data = table_document(table)
    text = parse_document(Path(table.file), table.file, data).text
    words = {str(cell).split()[0] for row in table.rows for cell in row if not isinstance(cell, Shown)}
    assert [word for word in words if word not in text] == []
    again = next(each for each in make_tables() if each.file == table.file)
    assert again == table


def test_merged_cells_and_grouped_headers_span_in_html():
    table = Table(
        "t.html", "T", (), ("Line", "Days > First", "Days > Last"), (("1", "5", "6"), ("1", "7", "8")), (), True
    )
    html = table_document(table).decode()
    assert '<th rowspan="2">Line</th><th colspan="2">Days</th>' in html
    assert '<tr><td rowspan="2">1</td><td>5</td><td>6</td></tr>\n<tr><td>7</td><td>8</td></tr>' in html


def answered(text, answers, confidence=0.9):
    return {"text": text, "answers": answers, "refused": not text, "confidence": confidence}


def test_right_is_the_cell_in_whole_words():
    assert outcome(answered("It costs 14.20 euros", ["14.20"])) == "right"
    for wrong in ("114.20", "14.2", "14", "1,014.20", "R-14"):
        assert outcome(answered(wrong, ["14.20"])) == "wrong"
    assert outcome(answered("7.5%", ["7.5 %"])) == "right" and outcome(answered("0.075", ["7.5 %"])) == "wrong"


def test_a_whole_table_is_no_answer():
    assert outcome(answered(" ".join(f"R-{n} 14.{n}" for n in range(20, 40)), ["14.20"])) == "wrong"


def test_refusing_is_right_only_where_no_cell_answers():
    assert outcome(answered("", ["3"])) == "refused" and outcome(answered("", [])) == "right"
    assert outcome(answered("3", [])) == "wrong"


def test_wrong_answers_are_counted_apart_where_they_are_sure():
    rows = [answered("3", ["3"]), answered("4", ["3"], 0.51), answered("4", ["3"], 0.5), answered("", ["3"])]
    found = lookup_figures([{**row, "outcome": outcome(row)} for row in rows])
    assert (found["right"], found["refused"], found["wrong"], found["wrong_and_sure"]) == (1, 1, 2, 1)
    assert found["not_wrong"]["value"] == 0.5 and 0 < found["not_wrong"]["low"] < 0.5
    assert "| all | 4 | 1 | 1 | 2 | 1 | 0.250" in as_text({"all": found, "by_format": {}, "by_kind": {}})
