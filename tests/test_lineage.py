"""What a document taught: rows and adapters over all runs."""

import json
from dataclasses import replace

import pytest
from triplets import row

from finetune.data import Pair, Stage, write_lines
from finetune.lineage import TaughtAdapter, adapters_taught, rows_taught, told


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """Two runs: one mined, imported, and trained in two stages; one older, whose record names no documents."""
    monkeypatch.chdir(tmp_path)
    write_lines(Stage("a", "mine").folder / "train.jsonl", [row(1), row(2), replace(row(3), document="d1.md")])
    write_lines(Stage("a", "mine").folder / "rejects.jsonl", [{"question": "Q?", "document": "d0.md"}])
    write_lines(Stage("a", "import").folder / "dev.jsonl", [replace(row(9), document="d0.md", gold=(7, 9), question="Where\u2028is it?")])
    write_lines(Stage("a", "dpo").folder / "train.jsonl", [Pair(row(2), "x", "y", "made")])
    named = [{"id": "r1", "question": "Q?", "document": "d0.md"}, {"id": "d0.md:7:Q?", "question": "Q?", "document": "d1.md"}]
    adapter(Stage("a", "dpo").folder / "adapter", named)
    adapter(Stage("b", "sft").folder / "adapter", [{"id": "d0.md:120:At 17:30?", "question": "At 17:30?"}, {"id": "not/d0.md:7:Q?", "question": "Q?"}])
    adapter(tmp_path / "var/adapters/b-sft-1234", [{"id": "x", "question": "Q?", "document": "d1.md"}])


def adapter(folder, questions):
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"documents": {}, "questions": questions}))
    (folder / "identity.json").write_text(json.dumps({"data": "abc123"}))


def test_rows_and_pairs_are_named_with_file_and_line():
    rows, shown = rows_taught("d0.md")
    assert [(str(r.file), r.line, r.row.id) for r in rows] == [
        ("var/runs/a/dpo/train.jsonl", 1, "r2"), ("var/runs/a/import/dev.jsonl", 1, "r9"),
        ("var/runs/a/mine/train.jsonl", 1, "r1"), ("var/runs/a/mine/train.jsonl", 2, "r2")]  # fmt: skip
    assert shown == 1  # row 3, which asks about d1.md
    assert [r.row.id for r in rows_taught("d1.md")[0]] == ["r3"] and rows_taught("d1.md")[1] == 4


def test_adapters_are_named_by_their_records_old_and_new():
    assert [(str(a.folder), a.questions, a.of) for a in adapters_taught("d0.md")] == [("var/runs/a/dpo/adapter", 1, 2), ("var/runs/b/sft/adapter", 1, 2)]
    assert [str(a.folder) for a in adapters_taught("d1.md")] == ["var/adapters/b-sft-1234", "var/runs/a/dpo/adapter"]
    assert adapters_taught("not/d0.md") == [TaughtAdapter(Stage("b", "sft").folder / "adapter", 1, 2, "abc123")]


def test_what_is_told(tmp_path):
    write_lines(tmp_path / "var/adapters/live.json", [{"adapter": "var/adapters/b-sft-1234"}])
    shown = told("d1.md")
    assert "var/runs/a/mine/train.jsonl:3  characters 0 to 20: What does tank 3 hold? -> 3 litres [1]" in shown
    assert "var/adapters/b-sft-1234  1 of 1 questions; rows abc123; live" in shown and "adapter  1 of 2 questions; rows abc123\n" in shown
    assert "d1.md taught 1 rows in 1 files, and 2 adapters; 4 other rows show a passage of it" in shown and "rag remove" in shown
    assert told("none.md") == "none.md taught 0 rows in 0 files, and 0 adapters; 0 other rows show a passage of it"
