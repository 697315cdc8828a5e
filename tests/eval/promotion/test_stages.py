import argparse
import json

import pytest

from eval.__main__ import bench_run, parser, run_bench
from eval.promotion.stages import choose, development, read_dev_rows
from eval.runs.generators import newest_adapter, parse_generators
from eval.runs.questions import Evidence, Question, question_fields, read_questions
from fakes import passage
from finetune.data.rows import TrainingRow
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_lines
from rag.core.settings import Settings
from rag.generation.prompt import REFUSAL
from rows import failed, scored, write

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


def test_generators_are_base_tuned_and_named_adapters_in_the_order_given(tmp_path, weights, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = weights("one", "two")
    assert parse_generators("base, tuned", found["one"]) == {"base": None, "tuned": found["one"]}
    assert list(parse_generators(f"dpo-2={found['two']},base", None).items()) == [("dpo-2", found["two"]), ("base", None)]
    for bad in ("best", "base,best", "sft=nowhere", f"../x={found['one']}", f"={found['one']}"):
        with pytest.raises(EvaluationError, match="base, tuned and NAME=ADAPTER"):
            parse_generators(bad, None)
    with pytest.raises(EvaluationError, match="base,tuned"):
        parse_generators(" , ", None)
    with pytest.raises(EvaluationError, match="no tuned adapter: make train"):
        parse_generators("base,tuned", None)


def test_the_newest_adapter_is_that_of_the_last_finished_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert newest_adapter("default") is None
    for stage in ("sft", "dpo"):
        folder = tmp_path / "var/runs/default" / stage
        folder.mkdir(parents=True)
        assert newest_adapter("default") == (
            None if stage == "sft" else tmp_path.relative_to(tmp_path) / "var/runs/default/sft/adapter"
        )
        (folder / "run.json").write_text("{}")
    assert str(newest_adapter("default")) == "var/runs/default/dpo/adapter"


def test_a_bench_has_a_run_of_its_own_for_other_documents_or_settings(tmp_path):
    bench = tmp_path / "b"
    (bench / "documents").mkdir(parents=True)
    (bench / "documents" / "a.md").write_text("one")
    first = bench_run(bench, Settings([]))
    assert first.startswith("bench-b-") and first == bench_run(bench, Settings([]))
    (bench / "questions.jsonl").write_text("other questions are asked of the same run")
    assert first == bench_run(bench, Settings([]))
    assert (
        bench_run(bench, Settings(["sft.rank=4", "mine.candidates=9"]))
        == bench_run(bench, Settings(["mine.candidates=9", "sft.rank=4"]))
        != first
    )
    (tmp_path / "ragtune.toml").write_text("[sft]\nrank = 4\n")
    assert (
        bench_run(bench, Settings([], tmp_path / "ragtune.toml")) == bench_run(bench, Settings(["sft.rank=4"])) != first
    ), "wherever it is set"
    (bench / "documents" / "a.md").write_text("two")
    assert bench_run(bench, Settings([])) != first


def test_a_folder_that_is_no_bench_says_what_is_expected(tmp_path):
    with pytest.raises(EvaluationError, match="documents/ and a file questions.jsonl are expected"):
        run_bench(argparse.Namespace(folder=tmp_path), None)


def test_leaks_stop_an_evaluation_unless_it_is_told_otherwise():
    assert parser().parse_args(["gold"]).leaks == parser().parse_args(["bench", "b"]).leaks == "stop"


def test_development_rows_are_those_that_sft_has_kept_else_the_mined(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.core.run_folder.RUNS", tmp_path)
    assert development("r") == tmp_path / "r/mine/dev.jsonl"
    write_lines(tmp_path / "r/sft/dev.jsonl", [])
    assert development("r") == tmp_path / "r/sft/dev.jsonl"
