"""Training's settings: the values that each takes, checked when a command starts, whatever it needs."""

import math
import subprocess
import sys

import pytest

from finetune.generator import peft_methods
from finetune.mining import filters
from finetune.settings import FILTERS, METHODS, SECTIONS
from rag.core.errors import SettingsError
from rag.core.sections import SECTIONS as RAG_SECTIONS
from rag.core.settings import Settings


def test_names_of_methods_and_filters_are_those_that_exist():
    assert [*peft_methods.METHODS] == [*METHODS] and FILTERS == filters.NAMES


@pytest.mark.parametrize(
    "item",
    [
        "sft.epochs=-3",
        "sft.epochs=0",
        "sft.learning_rate=-1e-4",
        f"sft.learning_rate={math.nan}",
        "sft.method=half",
        "sft.start=writer",
        "sft.general=1",
        "sft.learned=1.5",
        "sft.batch=0",
        "dpo.learning_rate=0",
        "dpo.beta=0",
        "dpo.pairs=0",
        f"dpo.beta={math.inf}",
        "mine.candidates=0",
        "mine.left_out=-0.1",
        "mine.unanswerable=1",
        "mine.query_styles=0.6",
        "mine.without=unrelated,closed",
    ],
)
def test_a_value_that_a_setting_does_not_take_is_refused_before_anything_starts(item, tmp_path):
    name = item.partition("=")[0]
    with pytest.raises(SettingsError, match=name):
        Settings([item], tmp_path / "none.toml", SECTIONS)


def test_defaults_are_among_the_values_that_are_taken():
    for section in SECTIONS.values():
        section()
    assert not SECTIONS.keys() & RAG_SECTIONS.keys()


@pytest.mark.parametrize("command", ["lineage a.md", "mine"])
def test_every_command_checks_every_section(command, tmp_path):
    words = [sys.executable, "-m", "finetune", "--set", "dpo.epochs=-1", *command.split()]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == "error: dpo.epochs is a whole number of at least 1, not -1\n"
