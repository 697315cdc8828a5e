import argparse
import json

import pytest

from corpus_in_small import DOCUMENTS
from eval.cli.answers import run_score
from eval.report.report import as_text
from eval.runs.score import read_predictions, score_predictions
from eval.runs.scored_files import read_scored
from fakes import FakeMeaning, HashEmbedder, Scripted
from rag.core.errors import EvaluationError
from rag.generation.prompt import REFUSAL
from rows import ANSWER, CRANE, failed, predicted, scored, write

QUESTIONS = [
    {"id": "a", "question": "How much?", "answers": ["40 tonnes"], "document": "crane.md", "start": 16},
    {"id": "b", "question": "How long?", "answers": ["640 metres"], "document": "mole.md", "start": 12, "kind": "long"},
    {"id": "c", "question": "Who won?", "answers": [], "document": "mole.md", "start": -1},
]


@pytest.fixture
def questions(tmp_path):
    return write(tmp_path / "questions.jsonl", QUESTIONS)


def scores(path, questions=None, documents=None, meaning=None):
    summary, rows = score_predictions(path, questions, documents, meaning or FakeMeaning(), HashEmbedder())
    return summary["generators"][path.stem], rows


def test_lines_may_bring_their_own_answers(tmp_path):
    path = write(
        tmp_path / "theirs.jsonl",
        [{"id": 1, "text": "40 Tonnes", "answers": ["40 tonnes"]}, "", {"id": 2, "text": "Bob", "answers": []}],
    )
    found, rows = scores(path)
    assert (found["n"], found["n_answerable"], found["answered"], found["exact_match"], found["squad2_f1"]) == (
        2,
        1,
        2,
        1.0,
        0.5,
    )
    assert [row["kind"] for row in rows] == ["answerable", "unanswerable"]
    assert (found["citation_precision"], found["citation_recall"], found["groundedness"], found["ece"]) == (
        0.0,
        None,
        None,
        None,
    )


def test_answers_may_come_from_a_file_of_questions_in_its_order_and_what_is_missing_failed(tmp_path, questions):
    path = write(
        tmp_path / "theirs.jsonl", [{"id": "c", "text": ""}, {"id": "a", "text": "40 tonnes", "answers": ["not these"]}]
    )
    found, rows = scores(path, questions)
    assert [row["id"] for row in rows] == ["a", "b", "c"] and rows[1]["error"] == "no prediction"
    assert (found["n"], found["failures"], found["exact_match"], found["squad2_f1"]) == (2, 1, 1.0, 1.0)
    assert rows[0]["question"] == "How much?" and set(found["by_kind"]) == {"answerable", "long", "unanswerable"}


def test_one_object_of_texts_is_read_as_squads_scorer_reads_it(tmp_path, questions):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"a": "the 40 tonnes!", "b": "640", "c": ""}, indent=1))
    found, _ = scores(path, questions)
    assert (found["exact_match"], found["f1"], found["squad2_f1"], found["failures"]) == (
        0.5,
        0.8333,
        0.8889,
        0,
    )  # 1, 2/3, and 1 for the refusal


@pytest.mark.parametrize(
    ("text", "more", "refused"),
    [
        ("", {}, True),
        (" \n", {}, True),
        (REFUSAL, {}, True),
        ("40 tonnes", {}, False),
        ("I won't say", {"refused": True}, True),
        ("", {"refused": False}, False),
    ],
)
def test_no_text_and_the_refusal_sentence_are_refusals_unless_the_line_says(tmp_path, questions, text, more, refused):
    rows = read_predictions(write(tmp_path / "theirs.jsonl", [{"id": "a", "text": text, **more}]), questions)
    assert rows[0]["refused"] is refused


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[1]",
        {"text": "x", "answers": []},
        {"id": 3, "answers": []},
        {"id": 3, "text": 5, "answers": []},
        {"id": 3, "text": "x"},
        {"id": 3, "text": "x", "answers": None},
        {"id": 3, "text": "x", "answers": "x"},
        {"id": 3, "text": "x", "answers": [], "cited": [{"quote": "x"}]},
        {"id": 3, "text": "x", "answers": [], "cited": ["x"]},
    ],
    ids=str,
)
def test_a_bad_line_is_named(tmp_path, bad):
    path = write(tmp_path / "theirs.jsonl", [{"id": 1, "text": "x", "answers": ["x"]}, "", bad])
    with pytest.raises(EvaluationError, match="theirs.jsonl:3 "):
        scores(path)


@pytest.mark.parametrize("bad", ["{", '["x"]', '{"a": 5}', '{"a": null}'])
def test_a_bad_object_of_texts_is_named(tmp_path, questions, bad):
    path = tmp_path / "theirs.json"
    path.write_text(bad)
    with pytest.raises(EvaluationError, match="theirs.json"):
        scores(path, questions)


def test_files_that_can_not_be_scored_say_why(tmp_path, questions):
    with pytest.raises(EvaluationError, match="can't be read"):
        read_predictions(tmp_path / "none.jsonl", questions)
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(EvaluationError, match="bytes.jsonl can't be read"):
        read_predictions(tmp_path / "bytes.jsonl", questions)
    with pytest.raises(EvaluationError, match="no predictions"):
        read_predictions(write(tmp_path / "empty.jsonl", [""]), questions)
    with pytest.raises(EvaluationError, match="two predictions for one id"):
        read_predictions(write(tmp_path / "twice.jsonl", [{"id": 1, "text": "x"}, {"id": "1", "text": "y"}]), questions)
    with pytest.raises(EvaluationError, match=r"2 predictions answer no question of .*questions.jsonl \(first: x\)"):
        read_predictions(
            write(tmp_path / "other.jsonl", [{"id": id, "text": "t"} for id in ("a", "y", "x")]), questions
        )


def test_a_line_that_failed_elsewhere_is_a_failure_here(tmp_path, questions):
    found, rows = scores(write(tmp_path / "theirs.jsonl", [{"id": "a", "error": "timed out"}]), questions)
    assert rows[0]["error"] == "timed out" and found["failures"] == 3


@pytest.fixture
def documents(tmp_path):
    (tmp_path / "documents").mkdir()
    for name, text in DOCUMENTS.items():
        (tmp_path / "documents" / name).write_text(text, encoding="utf-8")
    return tmp_path / "documents"


def test_quotes_are_held_against_the_answer_and_against_the_documents(tmp_path, documents):
    start = DOCUMENTS["crane.md"].index(CRANE)
    quote = {"document": "crane.md", "start": start, "end": start + len(CRANE), "quote": CRANE}
    own = {"answers": ["40 tonnes"], "question": "How much?", "document": "crane.md", "start": start + 16}
    lines = [
        {"id": "right", "text": "40 tonnes", **own, "cited": [quote]},
        {
            "id": "moved",
            "text": "40 tonnes",
            **own,
            "cited": [{**quote, "start": start + 1, "end": start + 1 + len(CRANE)}],
        },
        {"id": "made up", "text": "50 tonnes", **own, "cited": [{**quote, "document": "gone.md"}]},
        {
            "id": "unquoted",
            "text": "40 tonnes",
            **own,
            "cited": [{"document": "crane.md", "start": start, "end": start + 5}],
        },
    ]
    _, rows = scores(write(tmp_path / "theirs.jsonl", lines), None, documents)
    assert [row["measures"]["literal_quotes"] for row in rows] == [1.0, 0.0, 0.0, None]
    assert [row["measures"]["grounded"] for row in rows] == [1.0, 1.0, 0.0, None]
    assert [row["measures"]["cites"] for row in rows] == [[True], [True], [False], [False]]
    _, unchecked = scores(tmp_path / "theirs.jsonl")
    assert [row["measures"]["literal_quotes"] for row in unchecked] == [None] * 4
    meaning = FakeMeaning(lambda claim, text: 0.1)
    assert [row["measures"]["hallucinated"] for row in scores(tmp_path / "theirs.jsonl", meaning=meaning)[1]] == [
        True,
        True,
        True,
        False,
    ]
    assert meaning.pairs[0] == ("How much? 40 tonnes", f"crane.md\n{CRANE}")


def test_a_run_of_ours_scored_again_has_the_same_measures(evaluated, weights, documents, tiny_generator, tmp_path):
    evaluated(tmp_path / "run", {"base": None, **weights("tuned")}, Scripted(tiny_generator.tokenizer))
    for name, before in read_scored(tmp_path / "run").items():
        _, after = scores(tmp_path / "run" / f"{name}.scored.jsonl", None, documents)
        assert [row["measures"] for row in after] == [row["measures"] for row in before] and any(
            row["answers"] for row in before
        )
        assert [(row["id"], row["part"], row["kind"]) for row in after] == [
            (row["id"], row["part"], row["kind"]) for row in before
        ]


def test_a_line_of_ours_keeps_what_its_whole_passages_supported_and_that_it_failed(tmp_path):
    """A quote is one sentence of a passage; here another one supports the second sentence of the answer."""
    support = [
        {"sentence": text, "lexical": 1.0, "meaning": 1.0, "supported": True}
        for text in (CRANE, "It was built in 1987.")
    ]
    lines = [scored(f"{CRANE} It was built in 1987.", support=support), failed(id="f")]
    found, rows = scores(write(tmp_path / "ours.scored.jsonl", lines))
    assert (rows[0]["measures"]["grounded"], rows[0]["measures"]["hallucinated"], found["failures"]) == (1.0, False, 1)


def test_the_score_command_prints_tables_and_writes_figures(tmp_path, questions, monkeypatch, capsys):
    monkeypatch.setattr("eval.metrics.groundedness.open_support_model", lambda settings: FakeMeaning())
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: HashEmbedder())
    path = write(tmp_path / "theirs.jsonl", [{"id": "a", "text": ANSWER}, {"id": "c", "text": "", "confidence": 0.5}])
    run_score(argparse.Namespace(file=path, questions=questions, documents=None, json=tmp_path / "out.json"), None)
    figures = json.loads((tmp_path / "out.json").read_text())
    out = capsys.readouterr().out
    kept = tmp_path / "theirs.scored.jsonl"
    assert list(read_scored(kept)) == ["theirs"] and out.endswith(f"python -m eval compare {kept} OTHER\n")
    assert (
        out.startswith(as_text(figures) + "\n")
        and out.startswith("3 questions")
        and figures["generators"]["theirs"]["failures"] == 1
    )


def test_a_row_of_ours_is_read_as_it_was_written(tmp_path):
    (row,) = read_predictions(write(tmp_path / "ours.jsonl", [predicted()]), None)
    assert row == predicted()
