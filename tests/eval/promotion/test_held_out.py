import pytest

import eval.promotion.held_out as held_out
from eval.promotion.held_out import read_dev, read_gate, rows_file
from eval.runs.questions import Evidence
from fakes import passage
from finetune.data.rows import TrainingRow
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


CHUNKS = tuple(passage(text, name).chunk for text, name in (("The crane lifts 40 tonnes.", "crane.md"), ("x", "y.md")))


def row(id, kind="answerable", cited=1, question="Q\u2028?", document="crane.md"):
    return TrainingRow(id, question, "40 tonnes", kind, document, (0, 26), CHUNKS, cited)


def test_mined_rows_are_read_as_questions_with_their_passages():
    write_lines(Stage("r", "mine").folder / "dev.jsonl", [row("a"), row("b", "left out", 0)])
    questions, shown = read_dev("r")
    expected = [("a", ("40 tonnes",), (Evidence("crane.md", 0, 26),)), ("b", (), ())]
    assert [(q.id, q.answers, q.evidence) for q in questions] == expected
    assert [p.chunk for p in shown["a"]] == list(CHUNKS)


def test_rows_are_those_that_sft_has_kept_else_the_mined():
    write_lines(Stage("r", "mine").folder / "gate.jsonl", [])
    assert rows_file("r", "gate") == Stage("r", "mine").folder / "gate.jsonl"
    write_lines(Stage("r", "sft").folder / "gate.jsonl", [])
    assert rows_file("r", "gate") == Stage("r", "sft").folder / "gate.jsonl"


def test_a_run_without_rows_or_from_before_the_gate_says_what_to_do():
    with pytest.raises(EvaluationError, match="no dev questions: python -m finetune mine --run r"):
        read_dev("r")
    write_lines(Stage("r", "mine").folder / "dev.jsonl", [row("a")])
    with pytest.raises(EvaluationError, match="before held-out questions were dealt.*python -m finetune train --run r"):
        read_gate("r")


def test_promotion_reads_no_question_that_chose_anything():
    write_lines(Stage("r", "mine").folder / "dev.jsonl", [row("chose")])
    write_lines(Stage("r", "mine").folder / "gate.jsonl", [row("decides")])
    assert [q.question.id for q in read_gate("r")[0]] == ["decides"]
    assert [q.id for q in read_dev("r")[0]] == ["chose"]


def test_a_question_made_unanswerable_is_answered_by_the_refusal():
    rows = [row(kind, kind, 0) for kind in ("swapped", "not retrieved", "left out")]
    write_lines(Stage("r", "mine").folder / "gate.jsonl", rows)
    (swapped, missed, left_out), whose = read_gate("r")
    assert whose == "mined" and swapped.as_asked.answers == () and swapped.question.evidence and not swapped.left_out
    assert missed.as_asked.answers == ("40 tonnes",), "another retriever may show its passage"
    shown = left_out.shown([passage("The crane lifts 40 tonnes.", "crane.md"), passage("x", "y.md")], 3)
    assert left_out.as_asked.answers == () and [p.chunk.document for p in shown] == ["y.md"]


def test_where_people_have_asked_enough_they_decide_alone(monkeypatch):
    rows = [row("mined"), row("asked", document="ferry.md"), row("vain", "unanswerable", 0, document="ferry.md")]
    write_lines(Stage("r", "sft").folder / "gate.jsonl", rows)
    write_lines(Stage("r", "import/asked.csv").folder / "gate.jsonl", rows[1:])
    assert read_gate("r")[1] == "mined" and len(read_gate("r")[0]) == 3
    monkeypatch.setattr(held_out, "ENOUGH_HUMAN", 2)
    assert read_gate("r")[1] == "mined", "only one of them has an answer"
    monkeypatch.setattr(held_out, "ENOUGH_HUMAN", 1)
    questions, whose = read_gate("r")
    assert whose == "people's" and [q.question.id for q in questions] == ["asked", "vain"]
