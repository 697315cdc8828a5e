"""People's labels are read from files of many programs, and what can't be used is named with its row."""

import io
import json

import openpyxl
import pytest

from rag.core.errors import DataError
from rag.labels.label_file import read_label_file

LOCK = "Who opens the lock gate?"


@pytest.fixture
def read(tmp_path):
    """Return a function that writes a file and reads its labels."""

    def write_and_read(content, name="own.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_label_file(path)

    return write_and_read


def answers(labels):
    return [question.answers for question in labels.questions]


def rejected(labels):
    return [(row.row, row.reason) for row in labels.rejected]


GERMAN = "Frage;Antwort\nWer öffnet die Schleuse?;Frau Köhler\nWas kostet die Durchfahrt für Gäste?;zwölf €\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_text_in_any_encoding_is_read(read, encoding):
    labels = read(GERMAN.encode(encoding))
    assert answers(labels) == [("Frau Köhler",), ("zwölf €",)] and rejected(labels) == []
    assert ("its characters are read as cp1252" in labels.notes) == (encoding == "cp1252")


def test_latin_1_is_read(read):
    assert answers(read("question,answer\nOù est l'écluse ?,près du barrage\n".encode("latin-1"))) == [
        ("près du barrage",)
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " | "])
def test_cells_stand_between_any_of_the_usual_separators_and_may_have_quotes_and_line_ends(read, separator):
    rows = [["question", "answer"], [LOCK, '"the keeper, or; his ""mate"" |\tof the\nday"'], ["When?", "at 6"]]
    labels = read("\n".join(separator.join(row) for row in rows))
    assert answers(labels) == [('the keeper, or; his "mate" |\tof the\nday',), ("at 6",)]
    assert [question.row for question in labels.questions] == [2, 3]


@pytest.mark.parametrize(
    "head",
    [
        "Question,Answer",
        "question_text,expected_answer",
        " Question Text ,GROUND TRUTH",
        "user_input,reference",
        "query,expected_response",
        "input,expected_output",
        "inputs.question,outputs.answer",
        "Question (EN),Gold-Answer:",
        "prompt,response",
        "question,__expected",
    ],
)
def test_columns_are_found_by_the_names_of_other_programs(read, head):
    assert answers(read(f"{head}\n{LOCK},the keeper\n")) == [("the keeper",)]


@pytest.mark.parametrize(
    "record",
    [
        {"question": LOCK, "ground_truths": ["the keeper"], "answer": "a robot", "contexts": ["x"]},
        {"question": LOCK, "answers": {"text": ["the keeper"], "answer_start": [3]}},
        {"question": LOCK, "answers": "{'text': array(['the keeper'], dtype=object), 'answer_start': array([3])}"},
        {"question": LOCK, "answer": {"value": "the keeper", "aliases": ["the keeper"]}},
        {"vars": {"question": LOCK}, "assert": [{"type": "cost"}, {"type": "icontains", "value": "the keeper"}]},
        {"inputs": {"question": LOCK}, "outputs": {"answer": "the keeper"}},
        {"input": [{"role": "system", "content": "x"}, {"role": "user", "content": LOCK}], "ideal": "the keeper"},
        {"messages": [{"role": "user", "content": LOCK}, {"role": "assistant", "content": "the keeper"}]},
        {"inputs": {"question": LOCK}, "expectations": {"expected_response": "the keeper"}},
        {"question": LOCK, "text": "...", "answer": [{"start": 0, "end": 9, "text": "the keeper", "labels": ["A"]}]},
        {
            "data": {"question": LOCK},
            "annotations": [
                {"was_cancelled": True, "result": [{"value": {"text": ["nobody"]}}]},
                {"result": [{"from_name": "answer", "value": {"text": "the keeper", "start": 0, "end": 9}}]},
            ],
        },
        {"row_idx": 4, "row": {"question": LOCK, "answers": {"text": ["the keeper"], "answer_start": [1]}}},
        {"context": "...", "qas": [{"qid": "1", "question": LOCK, "answers": ["the keeper"]}]},
    ],
)
def test_records_of_other_programs_are_read_as_json_and_as_json_lines(read, record):
    for content in (json.dumps([record], indent=2), json.dumps(record) + "\n" + json.dumps(record)):
        labels = read(content, "own.json")
        assert set(answers(labels)) == {("the keeper",)} and labels.questions[0].question == LOCK


@pytest.mark.parametrize(
    "whole",
    [
        {"question": [LOCK], "answer": ["a robot"], "ground_truth": ["the keeper"]},
        {"question": {"0": LOCK}, "answer": {"0": "the keeper"}},
        {"columns": ["question", "answer"], "index": [0], "data": [[LOCK, "the keeper"]]},
        {"version": "1", "examples": [{"query": LOCK, "reference_answer": "the keeper", "query_by": {"type": "ai"}}]},
        {"data": [{"title": "t", "paragraphs": [{"context": "c", "qas": [{"question": LOCK, "answers": [
            {"text": "the keeper", "answer_start": 1}]}]}]}]},
    ],
)  # fmt: skip
def test_lists_within_json_are_found(read, whole):
    assert answers(read(json.dumps(whole), "own.json")) == [("the keeper",)]


def test_rows_of_json_tables_are_not_cut_either(read):
    table = {"columns": ["question", "answer"], "data": [[LOCK, "the keeper", "or his mate"], ["When?", "at 6"]]}
    labels = read(json.dumps(table), "own.json")
    assert rejected(labels) == [(1, "has more cells than the head")] and answers(labels) == [("at 6",)]
    with pytest.raises(DataError, match="question 2, answer 1"):
        read('{"question": ["a?", "b?"], "answer": ["x"]}', "own.json")


def test_a_documents_text_in_place_of_its_name_is_a_context(read):
    text = "The keeper opens the gate at 6. " * 20
    [question] = read(json.dumps([{"query": LOCK, "document": text, "answer": "the keeper"}]), "own.json").questions
    assert (question.document, question.contexts) == ("", (text.strip(),))


def test_squads_impossible_questions_are_not_answered_and_its_contexts_are_kept(read):
    asked = [
        {"id": "7", "question": LOCK, "answers": [], "plausible_answers": [{"text": "no"}], "is_impossible": True},
        {"id": "8", "question": "When?", "answers": [{"text": "at 6", "answer_start": 4}], "is_impossible": False},
    ]
    labels = read(json.dumps({"data": [{"paragraphs": [{"context": "Opens at 6.", "qas": asked}]}]}), "dev.json")
    found = [(question.id, question.answers, question.contexts) for question in labels.questions]
    assert found == [("7", (), ("Opens at 6.",)), ("8", ("at 6",), ("Opens at 6.",))]
    assert not labels.questions[0].unmarked


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ('"[""the keeper"", ""his mate""]"', ("the keeper", "his mate")),
        ("\"['the keeper', 'his mate']\"", ("the keeper", "his mate")),
        ("\"['the keeper' 'his mate']\"", ("the keeper", "his mate")),
        ("[sic]", ("[sic]",)),
        ("[14.20]", ("14.20",)),
        ("[]", ()),
        ("unanswerable", ()),
        ("No answer.", ()),
        ("The documents do not answer this.", ()),
    ],
)
def test_a_cell_may_hold_several_answers_or_none(read, cell, found):
    labels = read(f"question,answer\n{LOCK},{cell}\nWhen?,at 6\n")
    assert answers(labels)[0] == found and not labels.questions[0].unmarked


def test_an_empty_answer_is_taken_as_not_answered_and_said(read):
    labels = read(f"question,answer\n{LOCK},\nWhen?,at 6\nWhy?,N/A\n")
    assert answers(labels) == [(), ("at 6",), ()] and [q.unmarked for q in labels.questions] == [True, False, True]
    assert any("2 questions, rows 2, 4" in note for note in labels.notes)


def test_an_excel_sheet_is_read_where_its_head_stands(read):
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    sheet = book.create_sheet("Labels")
    for row in (["Our labels"], [], ["Query", "Answer", "File"], [LOCK, "the keeper", "lock.md"], ["How many?", 12]):
        sheet.append(row)
    sheet.append(["Why?", "tides", "a.md", "and rain"])
    out = io.BytesIO()
    book.save(out)
    labels = read(out.getvalue(), "own.xlsx")
    assert [(q.row, q.answers, q.document) for q in labels.questions] == [
        (4, ("the keeper",), "lock.md"),
        (5, ("12",), ""),
    ]
    assert rejected(labels) == [(6, "has more cells than the head")]
    assert any("only 'Labels' is read, not Cover" in note for note in labels.notes)


def test_cells_of_a_workbook_are_read_as_they_are_shown(read):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Question", "Answer", "Document"],
        ["Rate?", 0.075, "lock.md"],
        ["Hours?", 1.5, None],
        ["Sum?", "=1+1"],
    ):
        sheet.append(row)
    sheet["B2"].number_format, sheet["B3"].number_format = "0.0 %", '[h] "h"'
    sheet.merge_cells("C2:C3")
    out = io.BytesIO()
    book.save(out)
    labels = read(out.getvalue(), "own.xlsx")
    found = [(q.answers, q.document) for q in labels.questions]
    assert found == [(("7.5 %",), "lock.md"), (("36 h",), "lock.md"), ((), "")]
    assert any("1 formulas without a saved value" in note for note in labels.notes)


def test_lines_above_the_head_are_passed_over_and_named(read):
    labels = read(f"sep=;\nOur labels of May\n\nquestion;answer\n{LOCK};the keeper, mostly\n")
    assert answers(labels) == [("the keeper, mostly",)] and labels.questions[0].row == 5
    assert "not read, since they stand above the head: rows 1, 2" in labels.notes


def test_of_two_columns_that_could_be_the_answer_the_one_that_is_read_is_named(read):
    labels = read(f"question,answer,ground_truth\n{LOCK},a robot,the keeper\n")
    assert answers(labels) == [("the keeper",)]
    assert labels.notes == ("question from 'question', answer from 'ground_truth'; not read: answer",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{LOCK},the keeper, or his mate", "has more cells than the head"),
        (f"{LOCK},the keeper,,  ,", None),
        (LOCK, "has no answer"),
        (",the keeper", "has no question"),
        ("---,---", "has no question"),
        (f"{'x' * 2001},y", "has a question that is too long"),
        (f"{LOCK},\"{{'name': 'the keeper'}}\"", "has an answer that can't be read"),
        (f'{LOCK},"the "keeper""', "has quotation marks that do not close"),
        (f'{LOCK},"never', "has quotation marks that do not close"),
    ],
)
def test_a_row_that_can_not_be_used_is_rejected_with_its_number_and_the_others_are_read(read, row, reason):
    labels = read(f"question,answer\nWhen?,at 6\n{row}\nWhy?,tides\n")
    assert rejected(labels) == ([(3, reason)] if reason else [])
    assert answers(labels) == [("at 6",), *([] if reason else [("the keeper",)]), ("tides",)]


def test_what_stands_below_no_name_may_be_the_rest_of_an_answer(read):
    labels = read(f"question,answer,,\n{LOCK},the keeper, or his mate,\nWhen?,at 6,,\n")
    assert rejected(labels) == [(2, "has more cells than the head")] and answers(labels) == [("at 6",)]


def test_a_quotation_mark_that_stays_open_swallows_no_other_question(read):
    labels = read(
        f'question,answer\n"{LOCK},the keeper\nWhen is it?,at 6\nHow wide is 5" pipe?,"5"", or so"\nWhy?,tides\n'
    )
    assert rejected(labels) == [(2, "has quotation marks that do not close")]
    assert answers(labels) == [("at 6",), ('5", or so',), ("tides",)]


def test_a_cell_over_several_lines_may_hold_a_question_mark_and_a_separator(read):
    labels = read(f'question,answer\n"In the rules:\nwho, if any,\nand why?, opens",the keeper\n{LOCK},"a\nb"\n')
    assert [q.question for q in labels.questions] == ["In the rules: who, if any, and why?, opens", LOCK]


@pytest.mark.parametrize("separator", [",", "\t"])
def test_quotation_marks_that_belong_to_the_text_are_kept(read, separator):
    labels = read(f'question{separator}answer\n"Open" lamp?{separator}green\nWhich lamp?{separator}the "Open" one\n')
    assert [(q.question, *q.answers) for q in labels.questions] == [
        ('"Open" lamp?', "green"),
        ("Which lamp?", 'the "Open" one'),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("the keeper,,TRUE", "is marked as unanswerable and has an answer"),
        (",,no", "has no answer"),
        (",a robot,", "has no answer"),
        ("the keeper,,perhaps", "has a mark that says neither yes nor no"),
    ],
)
def test_marks_that_contradict_the_answer_are_rejected(read, row, reason):
    labels = read(f"question,reference,response,is_impossible\n{LOCK},{row}\nWhen?,at 6,,False\nWho?,,,1\n")
    assert rejected(labels) == [(2, reason)] and answers(labels) == [("at 6",), ()]


def test_lines_that_are_no_json_objects_are_rejected_with_their_number(read):
    labels = read(
        f'{{"question": "{LOCK}", "answer": "the keeper"}}\n\n{{"question": \n["a"]\n{{"question": "When?"}}\n'
    )
    assert rejected(labels) == [
        (3, "is not JSON"),
        (4, "is no object with a name for each value"),
        (5, "has no answer"),
    ]


def test_numbers_in_json_stay_as_they_are_written(read):
    assert answers(read('[{"question": "What does it cost?", "answer": 14.20}]')) == [("14.20",)]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("", "a.csv", "is empty"),
        ("\ufeff \n", "a.csv", "is empty"),
        ("question,answer\n", "a.csv", "has no rows below its head"),
        (f"{LOCK},the keeper\n", "a.csv", r"sed -i '1i question,answer' \S*a.csv"),
        (f"lock.md;{LOCK};the keeper\n", "a b.csv", r"sed -i '1i document;question;answer' '\S*a b.csv'"),
        (f"{LOCK}\tthe keeper\n".encode("utf-16"), "a.tsv", r"iconv -f utf-16 .* && sed -i '1i question\\tanswer' "),
        ("number,text,label\n1,2,3\n", "a.csv", "names no column of questions"),
        (f"question,label\n{LOCK},the keeper\n", "a.csv", r"no column of answers .* sed -i '1s/label/answer/' "),
        (f"question,answer\n{LOCK},\nWhen?,\n", "a.csv", "has an answer in none of its 2 rows"),
        (f"question,answer,Answer\n{LOCK},a,b\n", "a.csv", "two columns are called 'answer'"),
        (bytes(range(256)) * 20, "a.csv", "is binary data, not text"),
        (f"question,answer\n{LOCK},the keeper\0\n", "a.csv", r"tr -d '\\000' < \S*a.csv > \S*a-clean.csv"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "a.xls", "soffice --headless --convert-to xlsx "),
        (b"PAR1" + bytes(60), "a.parquet", "pandas.read_parquet"),
        (b"PK\x03\x04" + bytes(60), "a.xlsx", "damaged or broke off"),
        ("tests:\n  - vars: {}\n", "a.yaml", "yaml.safe_load"),
        ('[{"question": "x",\n "answer": }]', "a.json", r"Expecting value in line 2, at character 12"),
        ("[1, 2]", "a.json", "holds no objects"),
        ('{"a": 1}', "a.json", "has no column of questions and none of answers|has no column of questions"),
        ('{"a": [{"question": "x"}], "b": [{"question": "y"}]}', "a.json", "several lists"),
        ("[" * 100_000, "a.json", "nests too deeply|is not JSON"),
    ],
)  # fmt: skip
def test_a_file_that_can_not_be_read_is_an_error_with_the_remedy(read, content, name, words):
    with pytest.raises(DataError, match=words) as error:
        read(content, name)
    assert name in str(error.value)


def test_a_file_that_is_not_there_or_a_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="gone.csv can't be read"):
        read_label_file(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="name a file in it"):
        read_label_file(tmp_path)


def test_an_expected_file_is_shown_where_the_head_is_missing(read):
    with pytest.raises(DataError) as error:
        read(f"{LOCK},the keeper\n")
    shown = str(error.value).split("such as\n")[1]
    assert answers(read(shown.replace("\n  ", "\n").strip())) == [("24 V DC, tolerance 10 %",), ()]


def test_large_cells_and_many_rows_are_read(read):
    cell = "very " * 210_000
    labels = read(f'question,answer\n{LOCK},"{cell}"\n' + "".join(f"What is {n}?,{n} m\n" for n in range(20_000)))
    assert len(labels.questions) == 20_001 and labels.questions[0].answers == (cell.strip(),)
