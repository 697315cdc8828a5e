import json

import pytest

from eval.runs.questions import Evidence, Question, question_fields, read_questions
from rag.core.errors import EvaluationError
from rows import write

GOOD = {"id": 1, "question": "How much?", "answers": ["40 tonnes"], "document": "crane.md", "start": 16}


def questions_from(tmp_path, *rows):
    return write(tmp_path / "questions.jsonl", rows, end="")


def test_a_question_without_evidence_has_its_first_answer_as_evidence(tmp_path):
    (found,) = read_questions(questions_from(tmp_path, GOOD, ""))
    assert found == Question(
        "1", "How much?", ("40 tonnes",), "crane.md", (Evidence("crane.md", 16, 25),), "answerable"
    )


def test_a_question_without_answers_is_unanswerable_and_evidence_may_be_given(tmp_path):
    two = {
        **GOOD,
        "id": "b",
        "kind": "two",
        "evidence": [{"document": "x.md", "start": 3, "text": "four"}, {"document": "y.md", "start": 0, "text": "z"}],
    }
    none, found = read_questions(questions_from(tmp_path, {**GOOD, "answers": [], "start": -1}, two))
    assert (none.answerable, none.evidence, none.kind) == (False, (), "unanswerable")
    assert found.evidence == (Evidence("x.md", 3, 7), Evidence("y.md", 0, 1)) and found.kind == "two"


BAD = [
    "{broken",
    "[1]",
    {"id": 2},
    *(
        {**GOOD, "id": 2, **wrong}
        for wrong in ({"answers": None}, {"answers": "40"}, {"start": "x"}, {"evidence": [1]})
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_question_is_named_by_its_line(tmp_path, bad):
    with pytest.raises(EvaluationError, match=r"questions.jsonl:3 "):
        read_questions(questions_from(tmp_path, GOOD, "", bad))


def test_no_file_and_no_questions_are_errors(tmp_path):
    with pytest.raises(EvaluationError, match="can't be read"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(EvaluationError, match="no questions"):
        read_questions(questions_from(tmp_path, ""))


def test_a_line_separator_inside_a_question_parts_no_line(tmp_path):
    (found,) = read_questions(questions_from(tmp_path, {**GOOD, "question": "How\u2028much\x85?"}))
    assert found.question == "How\u2028much\x85?"


def test_a_sample_is_the_same_each_time_and_in_the_files_order(tmp_path):
    file = questions_from(tmp_path, *({**GOOD, "id": f"{n:02}"} for n in range(30)))
    ids = [q.id for q in read_questions(file, 10, 1)]
    assert len(ids) == 10 and ids == sorted(ids) == [q.id for q in read_questions(file, 10, 1)]
    assert ids != [q.id for q in read_questions(file, 10, 2)] and len(read_questions(file, 99)) == 30


def test_an_id_that_stands_there_twice_is_named(tmp_path):
    with pytest.raises(EvaluationError, match="holds the id '1' twice"):
        read_questions(questions_from(tmp_path, {**GOOD, "id": 2}, GOOD, {**GOOD, "id": "1"}))


def test_a_question_goes_into_predictions_as_json_gives_it_back(tmp_path):
    (found,) = read_questions(questions_from(tmp_path, GOOD))
    assert json.loads(json.dumps(question_fields(found))) == question_fields(found)
    assert (
        question_fields(found)["evidence"] == [{"document": "crane.md", "start": 16, "end": 25}]
        and question_fields(found)["answerable"] is True
    )
