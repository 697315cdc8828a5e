"""From a document to the rows and adapters that it has taught, also when the rows or the document are gone."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from finetune.data.lineage import lineage_report, trace_adapters, trace_rows
from finetune.data.training_set import data_digest, freeze_rows
from finetune.generator.adapter_folder import training_record
from rag.cli import documents
from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.models.adapters import questions_about
from rag.models.registry import INDEX, Promotion, adapters_folder, set_live
from triplets import row


def ours(n, document="d0.md"):
    made = row(n)
    return type(made)(
        f"{document}:0:{made.question}",
        made.question,
        made.answer,
        made.kind,
        document,
        made.gold,
        made.passages,
        made.cited,
    )


def multihop(n, document="d0.md"):
    """A row that needs its second passage, of d1.md, too."""
    return dataclasses.replace(ours(n, document), kind="multi-hop", also=(2,))


def adapter(folder, run):
    """An adapter as training leaves it, without weights."""
    folder.mkdir(parents=True)
    freeze_rows(Stage(run, "sft"), False)
    identity = {"base": "b", "precision": "float32", "prompt": "p", "run": run, "data": data_digest(run)}
    (folder / "identity.json").write_text(json.dumps(identity))
    write_lines(folder / "record.json", [training_record(Stage(run, "mine"))])


@pytest.fixture
def taught_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("r", "mine")
    write_lines(stage.folder / "train.jsonl", [ours(1), ours(2), ours(3, "other.md")])
    write_lines(stage.folder / "dev.jsonl", [ours(4, "d1.md")])
    stage.finish({"documents": {}})
    adapter(Stage("r", "sft").folder / "adapter", "r")
    live = adapters_folder(INDEX) / "r-sft"
    adapter(live, "r")
    set_live(INDEX, {"generator": Promotion(live, "it won")})
    return stage


def test_rows_are_named_with_run_part_chunk_and_reason(taught_run):
    found = [(t.run, t.part, t.why, t.row.gold) for t in trace_rows("d0.md")]
    assert found == [("r", "train", "asked of it", (0, 20))] * 2 + [
        ("r", part, "shown among the passages", (0, 20)) for part in ("train", "dev")
    ]
    assert list(trace_rows("unknown.md")) == []


def test_rows_for_promotion_are_traced_too(taught_run):
    write_lines(taught_run.folder / "gate.jsonl", [ours(5, "new.md")])
    assert [(t.part, t.why) for t in trace_rows("new.md")] == [("gate", "asked of it")]


def test_adapters_are_named_the_live_one_as_such(taught_run):
    found = {str(a.adapter): (a.questions, a.as_now, a.live) for a in trace_adapters("d0.md")}
    assert found == {"var/runs/r/sft/adapter": (2, True, False), "var/index/adapters/r-sft": (2, True, True)}
    assert list(trace_adapters("d")) == [] and [a.questions for a in trace_adapters("d1.md")] == [1, 1]


def test_a_question_over_two_passages_was_made_from_both_documents(taught_run):
    write_lines(taught_run.folder / "train.jsonl", [multihop(1)])
    adapter(Stage("r", "sft").folder / "new", "r")
    assert [(t.why, t.chunk) for document in ("d0.md", "d1.md") for t in trace_rows(document) if t.part == "train"] == [
        ("asked of it", (0, 20))
    ] * 2
    assert (
        questions_about(Stage("r", "sft").folder / "new", ["d1.md"]) == 2
        and questions_about(Stage("r", "sft").folder / "new", ["d0.md"]) == 1
    )


def test_adapters_stay_known_when_the_rows_are_gone(taught_run):
    write_lines(taught_run.folder / "train.jsonl", [ours(3, "other.md")])
    assert not any(t.why == "asked of it" for t in trace_rows("d0.md"))
    assert [(a.questions, a.as_now) for a in trace_adapters("d0.md")] == [(2, False), (2, False)]
    taught_run.clear()
    assert [(a.questions, a.as_now) for a in trace_adapters("d0.md")] == [(2, False), (2, False)]


def test_the_report_comes_in_lines_and_as_json(taught_run):
    assert (
        lineage_report("d0.md", False).splitlines()[-1]
        == "2 rows asked of d0.md, 2 show it, 2 adapters learned from it"
    )
    report = json.loads(lineage_report("d0.md", True))
    assert [r["chunk"] for r in report["rows"]] == [[0, 20], [0, 20], None, None] and report["adapters"][0][
        "live"
    ] is True


def test_a_name_that_nothing_knows_is_an_error_with_the_nearest_one(taught_run, tiny_index):
    taught_run.finish({"documents": {"train": ["d0.md"], "unmined": ["rules/travel.md"]}})
    with pytest.raises(TrainingError, match=r"no document is called 'travels.md'; the nearest is 'rules/travel.md'"):
        lineage_report("travels.md", False)
    store = tiny_index({"rules/travels.md": "Trains are second class.\n"})
    with pytest.raises(
        TrainingError, match=rf"the nearest is 'rules/travels.md': rag --index {store.folder} documents"
    ):
        lineage_report("rules/travels.mdx", True, store.folder)
    taught = "0 rows asked of rules/travels.md, 0 show it, 0 adapters learned from it"
    assert lineage_report("rules/travels.md", False, store.folder) == taught


def test_where_nothing_was_trained_or_indexed_no_document_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match="no document is called 'a.md': rag documents lists all"):
        lineage_report("a.md", False)


def test_a_record_that_can_not_be_read_holds_no_questions(tmp_path):
    assert questions_about(tmp_path, ["a"]) == 0
    (tmp_path / "record.json").write_text("[")
    assert questions_about(tmp_path, ["a"]) == 0


def test_removing_a_document_says_what_the_live_adapter_has_learned_of_it(taught_run, capsys, monkeypatch):
    store = SimpleNamespace(documents=lambda: {"d0.md": 0, "e.md": 0})
    monkeypatch.setattr("rag.factory.open_writer", lambda settings, folder: store)
    monkeypatch.setattr("rag.index.indexing.remove", lambda store, ids: None)
    documents.run_remove(SimpleNamespace(index=INDEX, patterns=["d0.md", "e.md"]), None)
    out = capsys.readouterr().out
    assert (
        "was trained on 2 questions about d0.md (python -m finetune lineage d0.md)" in out and "about e.md" not in out
    )


def test_the_adapters_of_another_index_are_found_and_removing_a_document_names_it(taught_run, capsys, monkeypatch):
    other = Path("var/other")
    adapter(adapters_folder(other) / "r-sft", "r")
    set_live(other, {"generator": Promotion(adapters_folder(other) / "r-sft", "it won")})
    report = json.loads(lineage_report("d0.md", True, other))
    assert [a["adapter"] for a in report["adapters"] if a["live"]] == ["var/other/adapters/r-sft"]
    monkeypatch.setattr("rag.factory.open_writer", lambda *_: SimpleNamespace(documents=lambda: {"d0.md": 0}))
    monkeypatch.setattr("rag.index.indexing.remove", lambda store, ids: None)
    documents.run_remove(SimpleNamespace(index=other, patterns=["d0.md"]), None)
    assert "(python -m finetune lineage d0.md --index var/other)" in capsys.readouterr().out


def test_an_adapter_tells_of_documents_that_were_indexed_after_mining_and_then_imported(taught_run):
    taught_run.finish({"documents": {"train": ["d0.md"], "dev": [], "unmined": []}})
    assert training_record(taught_run)["documents"] == {"train": ["d0.md", "other.md"], "dev": ["d1.md"], "unmined": []}
