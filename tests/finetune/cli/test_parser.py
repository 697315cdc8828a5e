"""The command line of `python -m finetune`: light to start, and with defaults that are the places of what ships."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.cli.parser import parser
from finetune.settings import SECTIONS
from finetune.shipped import question_writer
from rag.answering.spans import span_selector
from rag.cli.shell import load_settings
from rag.models import adapters, cross_encoder, span_scorer

HEAVY = ("torch", "transformers", "trl", "peft", "datasets", "sentence_transformers", "matplotlib", "faiss", "numpy")
ROOT = Path(__file__).parents[3]


def modules_after(code: str) -> set[str]:
    """Return the heavy modules that are loaded in a process of its own after the code has run."""
    tell = f"import json, sys\n{code}\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_and_the_check_of_settings_load_no_library_for_models():
    help_text = "import runpy\nsys.argv = ['finetune', '--help']\n"
    run = "try:\n    runpy.run_module('finetune', run_name='__main__')\nexcept SystemExit:\n    pass"
    assert modules_after(help_text + run) == set()
    assert modules_after("import finetune.settings, finetune.cli.parser; finetune.cli.parser.parser()") == set()


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("finetune.generator.sft", {"trl", "sentence_transformers", "matplotlib", "faiss"}),
        ("finetune.generator.dpo", {"trl", "sentence_transformers", "matplotlib", "faiss"}),
        ("finetune.generator.prefix_trainer", {"trl", "sentence_transformers", "matplotlib", "faiss"}),
        ("finetune.shipped.question_writer", {"trl", "datasets", "sentence_transformers", "matplotlib", "faiss"}),
        ("finetune.retriever.embedder", {"trl", "datasets", "sentence_transformers", "matplotlib", "faiss"}),
        ("finetune.retriever.cross_encoder", {"trl", "datasets", "sentence_transformers", "matplotlib", "faiss"}),
        ("finetune.time_budget", {"trl", "sentence_transformers", "matplotlib", "faiss"}),
    ],
)
def test_what_only_some_trainings_need_is_loaded_by_them_alone(module, unneeded):
    assert not modules_after(f"import {module}") & unneeded


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("writer B", question_writer.SHIPPED),
        ("reader B", adapters.SHIPPED_READER),
        ("cross-encoder B", cross_encoder.SHIPPED),
        ("reranker B", cross_encoder.SHIPPED),
    ],
)
def test_what_ships_is_written_where_it_is_read(words, place):
    assert ROOT / parser().parse_args(words.split()).out == place


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("span-scorer B", span_scorer.SHIPPED),
        ("boundaries B", span_scorer.SHIPPED),
        ("span-scorer --large B", span_scorer.LARGE),
        ("--set model.span_scorer=small span-selector B", span_selector.SHIPPED),
        ("--set model.span_scorer=large chooser B", span_selector.LARGE),
        ("span-scorer --large B --out elsewhere", Path("elsewhere")),
    ],
)
def test_each_span_scorer_has_a_place_of_its_own(words, place, monkeypatch):
    asked = []
    monkeypatch.setattr("finetune.cli.shipped.find_model", lambda *_: None)
    monkeypatch.setattr("finetune.shipped.span_scorer.train_span_scorer", lambda *given: asked.append(given[-1]))
    monkeypatch.setattr("finetune.shipped.span_selector.fit_span_selector", lambda *given: asked.append(given[2]))
    args = parser().parse_args(words.split())
    args.work(args, load_settings(args.set, SECTIONS))
    assert asked == [place]


def test_the_large_span_scorer_goes_on_from_the_one_that_ships(monkeypatch):
    recipes = []
    monkeypatch.setattr("finetune.cli.shipped.find_model", lambda *_: None)
    monkeypatch.setattr("finetune.shipped.span_scorer.train_span_scorer", lambda *given: recipes.append(given[3]))
    for words in ("span-scorer --large B", "span-scorer --large --further B"):
        args = parser().parse_args(words.split())
        args.work(args, load_settings(args.set, SECTIONS))
    anew, further = recipes
    assert (anew.start, further.start) == (None, span_scorer.LARGE) and anew.frozen == further.frozen
