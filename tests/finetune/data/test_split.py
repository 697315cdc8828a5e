"""Questions are dealt into train, dev and gate by their passage, and training never sees the gate."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import finetune
from finetune.data.split import (
    BY_DOCUMENT,
    BY_PASSAGE,
    DEV,
    GATE,
    HELD_OUT,
    PARTS,
    TRAIN,
    UNMINED,
    Split,
    document_part,
)
from finetune.data.training_set import data_digest, freeze_rows, gate_rows, training_rows
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from triplets import row


def chunks_of(*documents: str, each: int = 3) -> list[Chunk]:
    return [Chunk(d, "T", 100 * n, 100 * n + 9, "Any text.", (), None) for d in documents for n in range(each)]


def test_documents_are_dealt_in_stable_shares():
    counts = Counter(document_part(f"folder/document-{n}.md") for n in range(2000))
    assert all(abs(counts[part] - 2000 * share) < 70 for part, share in ((UNMINED, 0.2), (HELD_OUT, 0.2), (TRAIN, 0.6)))
    names = ("a.md", "e.md", "o.md", "it/runbook.md")
    assert [document_part(name) for name in names] == [TRAIN, HELD_OUT, UNMINED, TRAIN]


def test_held_out_passages_are_halved_into_dev_and_gate():
    held_out = [c for c in chunks_of(*(f"{n}.md" for n in range(900))) if document_part(c.document) == HELD_OUT]
    counts = Counter(Split().part_of(c.document, c.start) for c in held_out)
    assert set(counts) == {DEV, GATE} and abs(counts[DEV] - counts[GATE]) < 0.15 * len(held_out)


def test_a_passage_keeps_its_part_whatever_else_is_indexed_and_in_whatever_order():
    chunks = chunks_of(*(f"{n}.md" for n in range(60)))
    shuffled = random.Random(1).sample(chunks, len(chunks))
    assert Split.of(chunks) == Split.of(shuffled) == Split(BY_DOCUMENT)
    parts = {(c.document, c.start): Split.of(chunks).part_of(c.document, c.start) for c in chunks}
    assert all(Split.of(shuffled[:90]).part_of(*place) == part for place, part in parts.items())


def test_a_corpus_without_dev_or_gate_documents_holds_out_some_passages():
    chunks = chunks_of("a.md", "o.md", each=300)
    split = Split.of(chunks)
    assert split == Split(BY_PASSAGE) and {split.part_of("o.md", c.start) for c in chunks} == {UNMINED}
    counts = Counter(split.part_of("a.md", n * 100) for n in range(300))
    assert 15 < counts[DEV] < 50 and 15 < counts[GATE] < 50 and counts[TRAIN] > 200


def test_a_held_out_document_with_gate_passages_alone_is_not_enough():
    assert Split().part_of("e.md", 0) == GATE
    assert Split.of(chunks_of("e.md", "a.md", each=1)) == Split(BY_PASSAGE)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that was mined by document, with one gate row."""
    monkeypatch.chdir(tmp_path)
    mined = Stage("r", "mine")
    for part, rows in {TRAIN: [row(1), row(2)], DEV: [row(3)], GATE: [row(4)]}.items():
        write_lines(mined.folder / f"{part}.jsonl", rows)
    mined.finish({"documents": {}, "held_out": BY_DOCUMENT})
    return mined


def imported(run, *rows, part=TRAIN, held_out: str | None = BY_DOCUMENT):
    stage = Stage(run.run, "import/asked.csv")
    for name in PARTS:
        write_lines(stage.folder / f"{name}.jsonl", rows if name == part else [])
    stage.finish({"file": "asked.csv", **({"held_out": held_out} if held_out else {})})
    return stage


def test_training_gets_the_same_rows_whatever_the_gate_holds(run):
    before = freeze_rows(Stage("r", "sft"), False), training_rows("r", DEV), data_digest("r")
    assert [r.id for rows in before[0] for r in rows] == ["r1", "r2", "r3"]
    write_lines(run.folder / "gate.jsonl", [row(n) for n in range(50, 60)])
    assert (freeze_rows(Stage("r", "sft"), False), training_rows("r", DEV), data_digest("r")) == before
    with pytest.raises(ValueError, match="not for training"):
        training_rows("r", GATE)


def test_a_run_keeps_the_split_it_was_mined_with(run):
    few = chunks_of("a.md", each=1)
    assert Split.of_run("r", few) == Split(BY_DOCUMENT) and Split.of_run("not-mined", few) == Split(BY_PASSAGE)
    run.finish({"documents": {}, "held_out": BY_PASSAGE})
    assert Split.of_run("r") == Split(BY_PASSAGE)
    run.finish({"documents": {}})  # mined before splits had a name
    assert Split.of_run("r") == Split(BY_DOCUMENT)


def test_no_trainer_names_the_gate():
    package = Path(finetune.__file__).parent
    files = [file for folder in ("generator", "retriever", "shipped") for file in (package / folder).rglob("*.py")]
    assert len(files) > 15
    assert [file for file in files if "gate" in file.read_text(encoding="utf-8").lower().replace("delegate", "")] == []


def test_the_gate_rows_are_kept_beside_the_adapter_as_people_reviewed_them(run):
    imported(run, replace(row(4), answer="5 litres"), part=GATE)
    assert [r.answer for r in gate_rows("r")] == ["5 litres"]
    freeze_rows(Stage("r", "sft"), False)
    write_lines(run.folder / "gate.jsonl", [])
    assert '"5 litres"' in (Stage("r", "sft").folder / "gate.jsonl").read_text()


def test_what_a_gate_question_tests_is_not_trained_on(run):
    imported(run, row(2), part=GATE)
    assert [r.id for r in training_rows("r", TRAIN)] == ["r1"]


def test_a_run_mined_before_there_was_a_gate_is_trained_and_names_the_command(run):
    (run.folder / "gate.jsonl").unlink()
    run.finish({"documents": {}})
    assert [r.id for rows in freeze_rows(Stage("r", "sft"), False) for r in rows] == ["r1", "r2", "r3"]
    with pytest.raises(TrainingError, match="mined before .* dev and gate: python -m finetune mine --run r$"):
        gate_rows("r")


def test_rows_imported_before_there_was_a_gate_are_not_trained_on_beside_mined_ones_dealt_since(run):
    imported(run, row(7), held_out=None)
    with pytest.raises(TrainingError, match="python -m finetune import asked.csv --run r"):
        training_rows("r", TRAIN)
    imported(run, row(7))
    assert [r.id for r in training_rows("r", TRAIN)] == ["r1", "r2", "r7"]
    run.finish({"documents": {}})
    with pytest.raises(TrainingError, match="python -m finetune mine --run r"):
        training_rows("r", TRAIN)
