"""People's verdicts on rows: kept as they are given, taken up where they were left, and heeded by training."""

from dataclasses import replace

import pytest

from finetune.data.split import Split
from finetune.data.training_set import (
    REVIEWED,
    data_digest,
    freeze_rows,
    frozen_rows,
    gate_rows,
    training_rows,
)
from finetune.data.verdicts import read_verdicts, verdicts_file
from finetune.generator.adapter_folder import training_record
from finetune.human.review import Estimate, mend, review
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage
from rag.generation.prompt import REFUSAL
from triplets import row


@pytest.fixture
def mined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("r", "mine")
    write_lines(stage.folder / "train.jsonl", [row(n, n % 3 > 0) for n in range(9)])
    write_lines(stage.folder / "dev.jsonl", [row(20)])
    stage.finish({"documents": {}})
    return stage


class Person:
    """Types one word after the other, then ends the input. seen: what was shown."""

    def __init__(self, *words):
        self.words, self.seen = list(words), []

    def ask(self, prompt):
        if not self.words:
            raise EOFError
        return self.words.pop(0)


def judged(*words, sample=None):
    person = Person(*words)
    return person, review("r", sample, person.ask, person.seen.append)


def test_verdicts_are_kept_and_go_on_where_they_were_left(mined):
    person, estimate = judged("k", "D", "q")
    assert (estimate.judged, estimate.good, estimate.rest) == (2, 1, 8) and len(person.seen) == 3
    again, estimate = judged("k", "k")
    assert estimate.judged == 4 and again.seen[0] == person.seen[2].replace("3 of 10", "1 of 8")
    assert [line["verdict"] for line in read_lines(verdicts_file("r"))] == ["keep", "drop", "keep", "keep"]


def test_a_sample_ends_after_that_many_rows_however_often_it_is_begun(mined):
    assert judged(*"kkkkkkkk", sample=3)[1].judged == 3
    assert judged(*"kkkkkkkk", sample=3)[1].judged == 3
    assert judged(*"kkkkkkkk", sample=5)[1].judged == 5


def test_another_key_asks_again(mined):
    person, estimate = judged("x", "", "k")
    assert estimate.judged == 1


def test_question_passages_and_answer_are_shown(mined):
    person, _ = judged("q")
    assert all(part in person.seen[0] for part in ("question: What does tank", "[1] d0.md", "[2] d1.md", "answer: "))


def first() -> str:
    """Return the id of the row that is shown first."""
    return read_lines(verdicts_file("r"))[0]["id"]


def train_rows(**more):
    return {r.id: r for r in training_rows("r", "train", **more)}


def test_training_leaves_out_dropped_rows_and_repeats_reviewed_ones(mined):
    before = data_digest("r")
    judged(*"kkdkkkkkk")
    verdicts = {id: line["verdict"] for id, line in read_verdicts("r").items()}
    dropped = {id for id, verdict in verdicts.items() if verdict == "drop"}
    ids = [r.id for r in training_rows("r", "train", REVIEWED)] + [r.id for r in training_rows("r", "dev")]
    assert len(dropped) == 1 and not dropped & set(ids)
    assert all(ids.count(id) == (REVIEWED if id in verdicts and id != "r20" else 1) for id in ids) and REVIEWED > 1
    freeze_rows(Stage("r", "sft"), False)
    record = training_record(mined)
    assert len(record["questions"]) == 9 and not dropped & {q["id"] for q in record["questions"]}
    assert data_digest("r") != before


def test_training_takes_the_mended_row(mined):
    judged("m", "How many litres are in it?", "LITRES")
    found = {**train_rows(), **{r.id: r for r in training_rows("r", "dev")}}[first()]
    assert (found.question, found.answer, found.target) == ("How many litres are in it?", "litres", "litres [1]")


def of_documents(given, *names):
    """Return the row with passages of these documents, its own the first."""
    passages = tuple(replace(chunk, document=name) for chunk, name in zip(given.passages, names, strict=True))
    return replace(given, document=names[0], id=f"{names[0]}:0:{given.question}", passages=passages)


def test_a_row_mended_to_another_document_is_of_that_document():
    found = mend(of_documents(row(3), "d1.md", "d3.md"), Split(), "", "4 litres")
    assert (found.document, found.gold, found.id) == ("d3.md", (0, 20), f"d3.md:0:{row(3).question}")


def test_a_mended_answer_keeps_its_citation_where_the_passage_holds_it_too():
    assert mend(of_documents(row(3, 2), "d1.md", "d3.md"), Split(), "", "litres").target == "litres [2]"


@pytest.mark.parametrize("other", ["d0.md", "d6.md"])  # one that is never mined, one for development
def test_a_row_is_not_mended_to_a_document_of_another_part(other):
    with pytest.raises(TrainingError, match="may learn from"):
        mend(of_documents(row(3), "d1.md", other), Split(), "", "4 litres")


@pytest.mark.parametrize(("other", "allowed"), [("h.md", True), ("e.md", False)])  # also for choosing, and the gate
def test_a_row_to_choose_by_is_not_mended_to_what_the_gate_asks(other, allowed):
    given = of_documents(row(3), "h.md", other)
    if allowed:
        assert mend(given, Split(), "", "4 litres").document == "h.md"
        return
    with pytest.raises(TrainingError, match="may learn from"):
        mend(given, Split(), "", "4 litres")


def test_gate_rows_are_reviewed_too_and_a_dropped_one_decides_nothing(mined):
    write_lines(mined.folder / "gate.jsonl", [row(30), row(31)])
    mined.finish({"documents": {}, "held_out": "by document"})
    assert len(gate_rows("r")) == 2
    judged(*"dddddddddddd")
    assert gate_rows("r") == []


def test_what_is_reviewed_or_mined_during_training_does_not_change_what_it_says_it_has_learned(mined):
    sft, before = Stage("r", "sft"), data_digest("r")
    rows = freeze_rows(sft, False)
    judged(*"dddddddddd")
    assert freeze_rows(sft, True) == rows and len(training_record(mined)["questions"]) == 10
    assert frozen_rows("r")[1] == before != data_digest("r")
    assert freeze_rows(sft, False) == ([], []) and frozen_rows("r") == ([], data_digest("r"))
    sft.clear()
    with pytest.raises(TrainingError, match="finetune sft --run r"):
        frozen_rows("r")


def test_an_answer_is_mended_only_to_what_stands_in_a_passage_shown():
    given = of_documents(row(3), "d1.md", "d3.md")
    assert mend(given, Split(), "", "4 litres").target == "4 litres [2]"
    assert mend(given, Split(), "", "") == given
    assert mend(given, Split(), "Why?", "-").target == REFUSAL
    with pytest.raises(TrainingError, match="has these words"):
        mend(given, Split(), "", "5 litres")


def test_what_can_not_be_mended_is_explained_and_asked_again(mined):
    person, estimate = judged("m", "", "900 litres", "d")
    assert (
        "has these words" in person.seen[1]
        and estimate.judged == 1
        and read_verdicts("r")[first()]["verdict"] == "drop"
    )


def test_a_verdict_counts_only_for_the_row_that_was_seen(mined):
    judged(*"dddddddddd")
    assert training_rows("r", "train") == []
    write_lines(mined.folder / "train.jsonl", [row(n, n % 3 > 0, "and more") for n in range(9)])
    assert len(training_rows("r", "train", REVIEWED)) == 9
    assert judged("q")[1].rest == 9


def test_a_killed_review_leaves_whole_lines(mined, monkeypatch):
    judged("k")
    monkeypatch.setattr("finetune.data.verdicts.write_lines", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        judged("k")
    assert len(read_lines(verdicts_file("r"))) == 1


@pytest.mark.parametrize(
    ("estimate", "says"),
    [
        (
            Estimate(100, 85, 400),
            "85 of 100 judged rows are good: 85 % [77, 91]; of the 400 others about 340, between 307 and 363",
        ),
        (
            Estimate(10, 10, 20),
            "10 of 10 judged rows are good: 100 % [72, 100]; of the 20 others about 20, between 14 and 20",
        ),
        (Estimate(0, 0, 20), "none of 20 rows judged yet"),
    ],
)
def test_the_estimate_is_wilsons(estimate, says):
    assert str(estimate) == says


def test_nothing_mined_names_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match="finetune mine --run none"):
        review("none", None, Person().ask)
