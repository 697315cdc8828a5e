import json
from pathlib import Path

import pytest

from eval.runs.benches import bench_run_name, open_bench
from eval.runs.questions import read_questions
from rag.core.errors import EvaluationError, RagtuneError
from rag.core.settings import Settings


def test_a_bench_has_a_run_of_its_own_for_other_documents_or_settings(tmp_path):
    bench = tmp_path / "b"
    (bench / "documents").mkdir(parents=True)
    (bench / "documents" / "a.md").write_text("one")
    first = bench_run_name(bench, Settings([]))
    assert first.startswith("bench-b-") and first == bench_run_name(bench, Settings([]))
    (bench / "questions.jsonl").write_text("other questions are asked of the same run")
    assert first == bench_run_name(bench, Settings([]))
    assert (
        bench_run_name(bench, Settings(["sft.rank=4", "mine.candidates=9"]))
        == bench_run_name(bench, Settings(["mine.candidates=9", "sft.rank=4"]))
        != first
    )
    (tmp_path / "ragtune.toml").write_text("[sft]\nrank = 4\n")
    assert (
        bench_run_name(bench, Settings([], tmp_path / "ragtune.toml"))
        == bench_run_name(bench, Settings(["sft.rank=4"]))
        != first
    ), "wherever it is set"
    (bench / "documents" / "a.md").write_text("two")
    assert bench_run_name(bench, Settings([])) != first


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return a folder with two documents, where the run is also kept."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "own"
    (folder / "documents" / "it").mkdir(parents=True)
    (folder / "documents" / "lock.md").write_text("# Lock\n\nThe gate runs on 24 V DC. It opens at 6 a.m. in May.\n")
    (folder / "documents" / "it" / "fan.md").write_text("The fan runs on 24 V DC. It is cleaned every three weeks.\n")
    return folder


CSV = """question,ground_truth,source
When does the gate open?,6 a.m.,lock.md
How often is the fan cleaned?,“Every three weeks”,
What voltage?,24V DC,
Which voltage does the gate need?,24V DC,Lock
Who paints it?,unanswerable,fan.md
What colour?,It is red all over,
"""


def test_own_questions_get_document_and_evidence_where_they_are_clear(own, capsys):
    (own / "questions.csv").write_text(CSV)
    bench = open_bench(own, Settings([]))
    lock = (own / "documents" / "lock.md").read_text()
    found = {q.question: (q.answers, q.document, [lock[e.start : e.end] for e in q.evidence]) for q in bench.questions}
    assert found["When does the gate open?"] == (("6 a.m.",), "lock.md", ["6 a.m."])
    assert found["Which voltage does the gate need?"] == (("24 V DC", "24V DC"), "lock.md", ["24 V DC"])
    assert found["How often is the fan cleaned?"][:2] == (("every three weeks", "“Every three weeks”"), "it/fan.md")
    assert found["What voltage?"] == (("24 V DC", "24V DC"), "", [])
    assert found["Who paints it?"] == ((), "it/fan.md", [])
    assert found["What colour?"] == (("It is red all over",), "", [])
    assert [note.split(": ", 1)[1].split(" ", 1)[0] for note in bench.notes] == ["1", "1"]
    assert "(rows 7)" in bench.notes[0] and "(rows 4)" in bench.notes[1]
    out = capsys.readouterr().out
    assert "answer from 'ground_truth'" in out and "several places" in out
    assert read_questions(bench.folder / "questions.jsonl") == bench.questions and not bench.index.exists()


def test_what_can_not_be_asked_is_named_with_its_row_before_anything_is_indexed(own, capsys):
    (own / "questions.csv").write_text(CSV.replace("6 a.m.,lock.md", "6 a.m.,log.md") + "Why?,it rains, or snows,,x\n")
    bench = open_bench(own, Settings([]))
    out = capsys.readouterr().out
    assert "row 2: its document is not in" in out and "the nearest is 'lock.md'" in out
    assert "row 8: has more cells than the head" in out
    assert any("2 of 7 rows are left out (rows 2, 8)" in note for note in bench.notes) and len(bench.questions) == 5


def test_with_a_file_of_questions_any_folder_holds_the_documents(own, tmp_path):
    file = tmp_path / "asked.jsonl"
    file.write_text(
        json.dumps({"query": "What voltage?", "expected_output": "24 V DC", "context": "The fan runs on 24 V DC."})
    )
    bench = open_bench(own / "documents", Settings([]), file)
    assert [(q.document, len(q.evidence)) for q in bench.questions] == [("it/fan.md", 1)]
    assert bench.documents == [own / "documents"]


def test_questions_of_one_id_are_told_apart_by_their_rows(own):
    (own / "questions.csv").write_text("id,question,answer\n7,When?,6 a.m.\n7,Who?,unanswerable\n,How?,24 V\n")
    assert [q.id for q in open_bench(own, Settings([])).questions] == ["7", "7 row 3", "row 4"]


def test_documents_of_a_bench_that_are_not_there_are_named(own, capsys):
    rows = [
        {"id": "1", "question": "When?", "answers": ["6"], "document": name, "start": 3} for name in ("lock.md", "b.md")
    ]
    (own / "questions.jsonl").write_text("".join(json.dumps({**row, "id": n}) + "\n" for n, row in enumerate(rows)))
    assert "1 documents of" in open_bench(own, Settings([])).notes[0] and "b.md" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({}, "has no folder documents/"),
        ({"documents/a.md": "x"}, r"has no questions: .*--questions FILE"),
        ({"questions.csv": "question,answer\na?,x\n", "documents/.hidden": ""}, "holds no documents"),
        ({"questions.csv": "a\n", "questions.json": "[]", "documents/a.md": "x"}, "questions.csv and questions.json"),
        ({"questions.csv": "a?,x\n", "documents/a.md": "x"}, "sed -i '1i question,answer'"),
        (
            {"questions.csv": "question,answer,file\na?,x,b.md\n", "documents/a.md": "x"},
            "no question that can be asked",
        ),
    ],
)
def test_a_folder_that_can_not_be_evaluated_on_is_an_error_before_anything_is_indexed(
    tmp_path, monkeypatch, made, words
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eval.runs.benches.build_index", lambda *_: pytest.fail("indexed"))
    (tmp_path / "b").mkdir()
    for name, text in made.items():
        (tmp_path / "b" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "b" / name).write_text(text)
    with pytest.raises(RagtuneError, match=words):
        open_bench(tmp_path / "b", Settings([]))


def test_questions_among_the_documents_and_a_folder_that_is_not_there_are_errors(own):
    (own / "documents" / "asked.csv").write_text(CSV)
    with pytest.raises(EvaluationError, match="lies among the documents"):
        open_bench(own, Settings([]), own / "documents" / "asked.csv")
    with pytest.raises(EvaluationError, match="there is no folder gone"):
        open_bench(Path("gone"), Settings([]))
