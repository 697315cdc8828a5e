
import pytest

from eval.promotion.stages import choose, development, read_dev_rows
from eval.runs.questions import Evidence
from fakes import passage
from finetune.data.rows import TrainingRow
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_lines
from rag.generation.prompt import REFUSAL
from rows import failed, scored


def of(f1, refused=0):
    """-> twenty answerable questions of this F1, then this many of two unanswerable ones refused."""
    answered = [scored(measures={"f1": f1, "squad2_f1": f1})] * 20
    return answered + [scored(REFUSAL if n < refused else "40 tonnes", ()) for n in range(2)]


def test_the_better_stage_wins_only_when_it_is_shown_to_beat_base(weights):
    two = weights("sft", "dpo")
    found = choose({"base": of(0.2), "sft": of(0.6), "dpo": of(0.5)}, two)
    assert found["adapter"] == str(two["sft"])
    assert found["sentence"].startswith("sft is better than base: F1 over all questions +0.")
    even = choose({"base": of(0.6), "sft": of(0.6), "dpo": of(0.5)}, two)
    assert even["sentence"].startswith("sft is not shown to be better than base")
    assert choose({"base": of(0.6), "sft": of(0.2), "dpo": of(0.3)}, two)["sentence"].startswith(
        "dpo is not shown to be better than base"
    )


def test_what_answers_now_stays_though_base_is_beaten(weights):
    two = weights("sft", "dpo")
    found = choose({"base": of(0.0), "reader": of(0.6), "sft": of(0.5), "dpo": of(0.4)}, two, "reader")
    assert found["sentence"].startswith("sft is not shown to be better than reader")
    assert choose({"base": of(0.0), "reader": of(0.3), "sft": of(0.5), "dpo": of(0.4)}, two, "reader")[
        "sentence"
    ].startswith("sft is better than reader")


def test_right_refusals_count_in_promotion_and_wrong_ones_cost(weights):
    two = weights("sft", "dpo")
    found = choose({"base": of(0.5, 0), "sft": of(0.5, 1), "dpo": of(0.5, 2)}, two)
    assert found["squad2_f1"] == {"base": round(10 / 22, 4), "sft": round(11 / 22, 4), "dpo": round(12 / 22, 4)}
    assert (
        found["adapter"].endswith("dpo") and "is not shown to be better" in found["sentence"]
    )  # two questions of 22 show nothing


def test_nothing_wins_on_questions_that_failed(weights):
    with pytest.raises(EvaluationError, match="failed"):
        choose({"base": [failed()], "sft": of(1.0)[:1]}, weights("sft"))


def test_mined_rows_are_read_as_questions_with_their_passages(tmp_path):
    chunks = tuple(
        passage(text, name).chunk
        for text, name in (("The crane lifts 40 tonnes.", "crane.md"), ("40 tonnes is the limit.", "limit.md"))
    )
    write_lines(tmp_path / "dev.jsonl", [TrainingRow("a", "Q\u2028?", "40 tonnes", "answerable", "crane.md", (0, 26), chunks, 1),
                                         TrainingRow("b", "R?", "x", "left out", "crane.md", (0, 26), chunks, 0)])  # fmt: skip
    questions, shown = read_dev_rows(tmp_path / "dev.jsonl")
    assert [(q.id, q.answers, q.evidence) for q in questions] == [
        ("a", ("40 tonnes",), (Evidence("crane.md", 0, 26),)),
        ("b", (), ()),
    ]
    assert [p.chunk for p in shown["a"]] == list(chunks)
    with pytest.raises(EvaluationError, match="finetune mine"):
        read_dev_rows(tmp_path / "none.jsonl")


def test_development_rows_are_those_that_sft_has_kept_else_the_mined(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.core.run_folder.RUNS", tmp_path)
    assert development("r") == tmp_path / "r/mine/dev.jsonl"
    write_lines(tmp_path / "r/sft/dev.jsonl", [])
    assert development("r") == tmp_path / "r/sft/dev.jsonl"
