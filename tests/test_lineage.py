"""What a document taught: rows of every stage and run once each, adapters by their record, documents that were only shown."""

import json
import shutil
from dataclasses import replace

import pytest
from triplets import row

from finetune.data import Pair, Stage, digest, write_lines
from finetune.lineage import TaughtAdapter, TaughtRow, taught_adapters, taught_rows, told
from rag.errors import RagtuneError
from rag.pipeline import LIVE


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def other(n):
    """-> a row about d1.md that shows a passage of d0.md."""
    return replace(row(n, 2), document="d1.md", gold=(5, 25))


def adapter(folder, questions, data):
    folder.mkdir(parents=True)
    (folder / "identity.json").write_text(json.dumps({"data": data}))
    (folder / "record.json").write_text(json.dumps({"documents": {}, "questions": questions}))
    return folder


def record(*rows):
    return [{"id": r.id, "part": "train", "question": r.question, "document": r.document} for r in rows]


def trained(run, *rows):
    """-> the adapter of a run whose rows these are."""
    for name in ("mine", "sft"):
        write_lines(Stage(run, name).folder / "train.jsonl", rows)
    return adapter(Stage(run, "sft").folder / "adapter", record(*rows), digest(Stage(run, "sft").folder / "train.jsonl"))


def test_a_row_is_named_once_a_run_with_all_places_where_it_stands():
    trained("b", row(1), other(2))
    write_lines(Stage("b", "dpo").folder / "train.jsonl", [Pair(row(1), "x", "y", "made")])
    write_lines(Stage("b", "import/faq.csv").folder / "dev.jsonl", [row(3, 0)])
    trained("a", other(4), row(1))
    one, three = (row(n).question for n in (1, 3))
    assert taught_rows("d0.md") == [
        TaughtRow("a", "r1", one, "answerable", (0, 20), ("mine/train", "sft/train")),
        TaughtRow("b", "r1", one, "answerable", (0, 20), ("dpo/train", "mine/train", "sft/train")),
        TaughtRow("b", "r3", three, "left out", (0, 20), ("import/faq.csv/dev",)),
    ]
    assert [(found.run, found.id) for found in taught_rows("d1.md")] == [("a", "r4"), ("b", "r2")] and taught_rows("d") == []


def test_adapters_are_found_by_their_record_and_a_promoted_copy_is_one_of_them():
    first = trained("a", row(1), row(2), other(3))
    copy = shutil.copytree(first, LIVE.parent / "a-sft")
    trained("b", other(5))
    write_lines(LIVE, [{"adapter": str(copy)}])
    found = taught_adapters("d0.md")
    assert found == [
        TaughtAdapter(copy, True, 2, 3, 1), TaughtAdapter(first, False, 2, 3, 1), TaughtAdapter(Stage("b", "sft").folder / "adapter", False, 0, 1, 1),
    ]  # fmt: skip
    assert taught_adapters("d1.md")[0] == TaughtAdapter(copy, True, 1, 3, 2)
    assert taught_adapters("d2.md") == []


def test_an_adapter_whose_rows_are_gone_still_names_what_it_was_asked_about():
    folder = trained("a", row(1), other(3))
    for name in ("mine", "sft"):
        write_lines(Stage("a", name).folder / "train.jsonl", [other(9)])
    assert taught_rows("d0.md") == [] and taught_adapters("d0.md") == [TaughtAdapter(folder, False, 1, 2, None)]
    assert "not known" in told("d0.md") and "1 of 2 questions" in told("d0.md")


def test_records_of_before_name_the_document_in_the_id():
    adapter(Stage("a", "sft").folder / "adapter", [{"id": "d0.md:5:Why?", "part": "train", "question": "Why?"}], "gone")
    assert [found.rows for found in taught_adapters("d0.md")] == [1] and taught_adapters("d0") == []


def test_it_is_told_with_what_makes_it_forgotten():
    trained("a", row(1), other(3))
    assert told("d0.md").splitlines() == [
        "run a",
        "  0-20  What does tank 1 hold?  (answerable; mine/train, sft/train)",
        "adapter var/runs/a/sft/adapter: 1 of 2 questions; 1 others showed it",
        "1 rows, 1 adapters; to have it forgotten: rag remove d0.md; python -m finetune train --run a",
    ]
    assert told("d0.pdf") == "d0.pdf taught nothing that is kept here; the nearest name that did is d0.md"
    assert told("something else altogether") == "something else altogether taught nothing that is kept here"


def test_a_broken_adapter_is_an_error_of_one_line():
    folder = trained("a", row(1))
    (folder / "record.json").write_text("{")
    with pytest.raises(RagtuneError, match="record.json can't be read"):
        told("d0.md")
