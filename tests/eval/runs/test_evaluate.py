"""Whole evaluations: with the tiny model, and with a scripted generator whose figures can be worked out by hand."""

import json
import shutil
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from corpus_in_small import QUESTIONS
from eval.runs.evaluation_index import build_index
from eval.runs.forgetting import ask_instructions, read_instructions
from eval.runs.identity import generator_identity
from eval.runs.scored_files import read_scored
from eval.runs.summary import read_summary
from fakes import HashEmbedder, Scripted
from rag.core.errors import EvaluationError
from rag.core.settings import Settings
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.index.writer import StoreWriter

OF_EACH = ("jsonl", "closed-book.jsonl", "scored.jsonl")
KEPT = {*(f"{name}.{what}" for name in ("base", "tuned") for what in OF_EACH), "passages.jsonl", "run.json"}
TIMED = {"base.times.json", "tuned.times.json", "times.json", "report.md", "report.html"}


@pytest.fixture
def tokenizer(tiny_generator):
    return tiny_generator.tokenizer


def without_times(report: str) -> str:
    before, title, rest = report.partition("## Seconds of an answer")
    assert title
    return before + rest[rest.index("\n## ") :]


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".basis"}


@pytest.fixture
def tiny_run(evaluated, tiny_model, tiny_adapter, monkeypatch):
    """Return a function that evaluates the tiny model and its adapter into a folder."""
    monkeypatch.setattr("eval.runs.forgetting.LONGEST", 4)
    overrides = [
        f"model.generator={tiny_model}",
        "model.device=cpu",
        "model.precision=float32",
        "answer.max_new_tokens=8",
    ]
    return lambda folder: evaluated(folder, {"base": None, "tuned": tiny_adapter}, overrides=overrides)


def test_two_runs_write_the_same_bytes_but_for_times(tiny_run, tmp_path):
    first = tiny_run(tmp_path / "one")
    instructions = files(tmp_path / "var/runs/instructions")
    shutil.rmtree(tmp_path / "var")
    second = tiny_run(tmp_path / "two")
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert set(one) == set(two) == KEPT | TIMED
    assert {name: one[name] for name in KEPT} == {name: two[name] for name in KEPT}
    assert without_times(one["report.md"].decode()) == without_times(two["report.md"].decode())
    assert files(tmp_path / "var/runs/instructions") == instructions and len(instructions) == 2
    assert first["comparisons"] == second["comparisons"] and first["forgetting"] == second["forgetting"]
    outputs = [[row["output"] for row in read_scored(tmp_path / "one")[name]] for name in ("base", "tuned")]
    assert outputs[0] != outputs[1]  # the adapter was on for one of them and off for the other


def test_a_second_run_in_the_same_folder_makes_nothing_anew(tiny_run, tmp_path, monkeypatch):
    tiny_run(tmp_path / "run")
    before = files(tmp_path / "run")
    for method in ("generate", "generate_and_score"):
        monkeypatch.setattr(Generator, method, lambda *args: pytest.fail("made anew"))
    tiny_run(tmp_path / "run")
    after = files(tmp_path / "run")
    assert after.pop("times.json") and before.pop("times.json")  # searching is timed again
    assert after == before


def test_an_index_for_evaluation_holds_no_other_folders_documents(tmp_path, tiny_index, monkeypatch):
    store = tiny_index({})
    monkeypatch.setattr("eval.runs.evaluation_index.open_index_for_writing", lambda *_: (store, HashEmbedder()))
    monkeypatch.setattr(store, "close", lambda: None)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "readme.md").write_text(f"# Fees\n\nOf the harbour called {name}.\n")
        build_index(Settings([]), store.folder, [tmp_path / name])
        assert [chunk.text for chunk in store.all_chunks()] == [f"# Fees\n\nOf the harbour called {name}."]


def test_linked_documents_of_a_bench_are_not_read_anew(tmp_path, tiny_index, monkeypatch):
    store, embedder = tiny_index({}), HashEmbedder()
    monkeypatch.setattr("eval.runs.evaluation_index.open_index_for_writing", lambda *_: (store, embedder))
    monkeypatch.setattr(store, "close", lambda: None)
    (tmp_path / "documents").mkdir()
    (tmp_path / "a.md").write_text("# Fees\n\nOf the harbour.\n")
    (tmp_path / "documents" / "a.md").symlink_to(tmp_path / "a.md")
    delta = []
    for _ in range(2):
        build_index(Settings([]), store.folder, [tmp_path / "documents"])
        delta.append(store.change)
    assert delta[0] == delta[1] and len(store.documents()) == 1


def test_an_index_for_evaluation_of_an_earlier_chunker_is_made_anew(tmp_path, monkeypatch):
    def opened(settings, folder, weights_from, chunker):
        return StoreWriter(folder, {"embedder": "hash", "chunker": chunker}, create=True), HashEmbedder()

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Fees\n\nOf the harbour.\n")
    for chunker in ("former", "present"):
        monkeypatch.setattr("eval.runs.evaluation_index.open_index_for_writing", partial(opened, chunker=chunker))
        build_index(Settings([]), tmp_path / "index", [tmp_path / "docs"])
    store, _ = opened(None, tmp_path / "index", None, "present")
    assert list(store.documents()) == ["a.md"]
    store.close()


def test_the_base_is_opened_by_itself(evaluated, weights, tokenizer, tmp_path, monkeypatch):
    """What an adapter leaves when it is switched off reads passages in the adapter's way, and on its precision."""
    opened, tuned = [], weights("tuned")["tuned"]
    monkeypatch.setattr(
        "eval.runs.evaluate.open_generator",
        lambda settings, adapter, bases=None: opened.append(adapter) or Scripted(tokenizer),
    )
    evaluated(tmp_path / "run", {"tuned": tuned, "base": None})
    assert opened == [tuned, None]


def test_figures_of_a_scripted_run_by_hand(evaluated, weights, tokenizer, tmp_path):
    """The base always answers Paris, which no passage supports, the tuned one 40 tonnes, of crane or bridge."""
    generator = Scripted(tokenizer, base_says="Paris")
    summary = evaluated(
        tmp_path / "run", {"base": None, "tuned": weights("tuned")["tuned"]}, generator, notes=["Mind the gap."]
    )
    base, tuned = summary["generators"]["base"], summary["generators"]["tuned"]
    assert (summary["n"], summary["notes"], base["n_answerable"], base["answered"], tuned["answered"]) == (
        9,
        ["Mind the gap."],
        6,
        0,
        9,
    )
    assert (base["f1"], base["squad2_f1"], base["refusal"]["recall"], base["hallucination_rate"]) == (
        0.0,
        0.3333,
        1.0,
        0.0,
    )
    assert (tuned["exact_match"], tuned["refusal"]["recall"], tuned["literal_quotes"], tuned["groundedness"]) == (
        0.3333,
        0.0,
        1.0,
        1.0,
    )
    assert (
        tuned["hallucination_rate"] == 0.3333
    )  # what it says to the three unanswerable questions; the rest its passages support
    assert tuned["f1"] == tuned["contains"] == 0.3333  # "40 tonnes" shares no word with the other four answers
    assert set(tuned["by_part"]) == {"mined", "incoming", "unmined"} and tuned["by_part"]["unmined"]["f1"] == 1.0
    assert {kind: group["n"] for kind, group in tuned["by_kind"].items()} == {"name": 1, "number": 5, "unanswerable": 3}
    assert {name: group["n"] for name, group in tuned["by_document"].items()} == {
        "crane.md": 3,
        "limit.md": 1,
        "mole.md": 3,
        "office.md": 2,
    }
    assert tuned["drop"]["F1"]["seen"] == 0.3333 and tuned["drop"]["F1"]["new"] == 0.0
    (compared,) = summary["comparisons"]
    assert (
        compared["a"],
        compared["b"],
        compared["measures"]["right refusals"]["losses"],
        compared["measures"]["F1"]["wins"],
    ) == ("base", "tuned", 3, 2)
    assert tuned["closed_book"]["n"] == 6 and base["instructions"]["n"] == len(read_instructions())
    assert "fact-01" in summary["forgetting"]["tuned"]["lost"]  # the capital of France
    assert summary["forgetting"]["tuned"]["difference"] == round(
        tuned["instructions"]["followed"] - base["instructions"]["followed"], 4
    )
    assert summary["retrieval"]["recall@20"] == 1.0 and set(summary["retrieval_by_kind"]) == {"name", "number"}
    assert base["latency_s"]["n"] == 9 and read_summary(tmp_path / "run") == summary


def test_a_run_of_the_base_alone_has_no_comparison_and_asks_no_instructions(evaluated, tokenizer, tmp_path):
    summary = evaluated(tmp_path / "run", {"base": None}, Scripted(tokenizer))
    assert (
        summary["comparisons"] == []
        and summary["forgetting"] == {}
        and "instructions" not in summary["generators"]["base"]
    )
    assert not (tmp_path / "var/runs/instructions").exists()


def test_questions_that_the_generator_fails_on_are_counted_and_the_run_finishes(evaluated, tokenizer, tmp_path):
    generator = Scripted(tokenizer, raises=RuntimeError("out of memory"), on="Who won the crane cup?")
    found = evaluated(tmp_path / "run", {"base": None}, generator)["generators"]["base"]
    assert found["failures"] > 0 and found["failures"] + found["n"] == 9


def test_a_run_folder_holds_the_generators_of_its_last_evaluation_alone(evaluated, weights, tokenizer, tmp_path):
    evaluated(tmp_path / "run", {"base": None, **weights("sft", "dpo")}, Scripted(tokenizer))
    evaluated(
        tmp_path / "run", {"base": None, "sft": tmp_path / "weights/sft"}, Scripted(tokenizer), questions=QUESTIONS[:5]
    )
    found = read_scored(tmp_path / "run")
    assert list(found) == ["base", "sft"] and {len(rows) for rows in found.values()} == {5}


def test_the_first_generator_of_a_run_is_the_baseline_when_it_is_compared_again(
    evaluated, weights, tokenizer, tmp_path
):
    evaluated(
        tmp_path / "run",
        {"old": weights("old")["old"], "base": None, "new": weights("new")["new"]},
        Scripted(tokenizer),
    )
    assert list(read_scored(tmp_path / "run")) == ["old", "base", "new"]


def test_any_name_of_a_generator_that_the_command_takes_can_be_reported(evaluated, weights, tokenizer, tmp_path):
    assert (
        "latency_s" in evaluated(tmp_path / "run", weights("retrieval"), Scripted(tokenizer))["generators"]["retrieval"]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"questions": QUESTIONS[:8]},
        {"overrides": ["answer.max_new_tokens=9"]},
        {"overrides": ["retrieval.passages=2"]},
        {"precision": "bfloat16"},
        {"digest": "other"},
        {"device": "cuda"},  # its times are others, and so are the last digits
    ],
    ids=str,
)
def test_predictions_made_of_something_else_are_thrown_away(evaluated, tokenizer, tmp_path, change):
    generator = Scripted(tokenizer)
    evaluated(tmp_path / "run", {"base": None}, generator)
    asked = generator.asked
    evaluated(tmp_path / "run", {"base": None}, generator)
    assert generator.asked == asked > 0
    for name in {"precision", "digest", "device"} & set(change):
        setattr(generator, name, change[name])
    task = {name: value for name, value in change.items() if name in ("questions", "overrides")}
    evaluated(tmp_path / "run", {"base": None}, generator, **task)
    assert generator.asked > asked


def test_other_evidence_is_scored_anew(evaluated, weights, tokenizer, tmp_path):
    adapters = weights("tuned")
    before = evaluated(tmp_path / "run", adapters, Scripted(tokenizer), questions=QUESTIONS[:1])
    after = evaluated(
        tmp_path / "run",
        adapters,
        Scripted(tokenizer),
        questions=[replace(QUESTIONS[0], evidence=QUESTIONS[2].evidence)],
    )
    assert [found["generators"]["tuned"]["citation_recall"] for found in (before, after)] == [1.0, 0.0]


def test_a_generator_is_identified_by_weights_and_prompts(tokenizer, weights, monkeypatch):
    one, two = weights("one", "two").values()
    generator = SimpleNamespace(
        digest="d", precision="float32", device="cpu", block_attention=False, tokenizer=tokenizer
    )
    assert (
        generator_identity(generator, one)
        == generator_identity(generator, one)
        != generator_identity(generator, two)
        != generator_identity(generator, None)
    )
    before = generator_identity(generator, one)
    monkeypatch.setattr(prompt, "CLOSED_BOOK", "Guess.")
    assert generator_identity(generator, one) != before  # the closed book is asked with it


def test_a_pattern_that_was_mended_is_applied_to_outputs_that_are_kept(tokenizer, tmp_path, monkeypatch):
    known = read_instructions()[:3]
    for pattern, passed in (("blue", False), ("40", True)):
        monkeypatch.setattr(
            "eval.runs.forgetting.read_instructions",
            lambda pattern=pattern: [replace(i, pattern=pattern) for i in known],
        )
        assert [row["passed"] for row in ask_instructions(Scripted(tokenizer), tmp_path / "kept.jsonl", "x")] == [
            passed
        ] * 3


def test_a_folder_without_a_run_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(EvaluationError, match="no finished run.*python -m eval gold"):
        read_summary(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"generators": {}}))
    with pytest.raises(EvaluationError, match="no finished run"):
        read_summary(tmp_path)
