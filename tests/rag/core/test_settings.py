import dataclasses
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import pytest

from rag.core.errors import SettingsError
from rag.core.sections import SECTIONS, ModelSettings, RetrievalSettings, SettingsSection, in_range, one_of
from rag.core.settings import RENAMED, Settings


@dataclass(frozen=True)
class Sample(SettingsSection):
    section: ClassVar[str] = "mine"
    size: int = in_range(3, 1)
    share: float = in_range(0.5, 0, 1, below=True)
    weight: float = 1.0
    name: str = "x"
    method: str = one_of("fast", "fast", "slow")
    on: bool = False


def settings(*overrides, file=None, tmp_path=None):
    return Settings(overrides, file or tmp_path / "none.toml", {"mine": Sample})


def test_defaults_without_any_override(tmp_path):
    assert Settings(file=tmp_path / "none.toml").section(RetrievalSettings) == RetrievalSettings()


def test_set_overrides_the_toml_file_which_overrides_the_default(tmp_path):
    file = tmp_path / "ragtune.toml"
    file.write_text("[retrieval]\npassages = 5\ncandidates = 7\n")
    found = Settings(["retrieval.passages=4"], file).section(RetrievalSettings)
    assert found == RetrievalSettings(passages=4, candidates=7)


def test_one_more_override_leaves_the_settings_as_they_were(tmp_path):
    before = settings("retrieval.passages=4", tmp_path=tmp_path)
    assert before.but("retrieval.passages=5").section(RetrievalSettings).passages == 5
    assert before.section(RetrievalSettings).passages == 4
    with pytest.raises(SettingsError, match="retrieval.passages"):
        before.but("retrieval.passages=0")


def test_values_take_the_type_of_the_default(tmp_path):
    given = ["mine.size=4", "mine.share=0", "mine.name=a=b", "mine.on=True", "mine.method=slow"]
    found = settings(*given, tmp_path=tmp_path).section(Sample)
    assert found == Sample(4, 0.0, 1.0, "a=b", "slow", True) and isinstance(found.share, float)


def test_the_file_is_read_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "ragtune.toml").write_text("[model]\nhub = true\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().section(ModelSettings).hub is True


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("retreival.passages=3", ["'retreival'", "'retrieval'"]),
        ("retrieval.pasages=3", ["'pasages'", "'passages'", "candidates"]),
        ("retrieval.passages=three", ["retrieval.passages", "whole number", "'three'"]),
        ("retrieval.passages=2.5", ["retrieval.passages", "whole number", "'2.5'"]),
        ("retrieval.passages", ["section.key=value"]),
        ("passages=3", ["section.key=value"]),
        ("mine.siez=3", ["'siez'", "'size'"]),
        ("mine.size=0", ["mine.size", "at least 1", "0"]),
        ("mine.share=1", ["mine.share", "from 0 to below 1", "1.0"]),
        ("mine.share=nan", ["mine.share", "nan"]),
        ("mine.weight=inf", ["mine.weight is a number, not inf"]),
        ("mine.method=quick", ["mine.method", "'fast', 'slow'", "'quick'"]),
        ("mine.on=perhaps", ["mine.on", "true or false", "'perhaps'"]),
        ("answer.least=nan", ["answer.least", "from 0 to 1"]),
        ("answer.least=1.5", ["answer.least", "from 0 to 1"]),
        ("documents.max_seconds=0", ["documents.max_seconds", "above 0"]),
        ("model.precision=int8", ["model.precision", "'nf4'", "'int8'"]),
        ("prefix.memory_mb=-1", ["prefix.memory_mb", "-1"]),
        ("endpoint.tries=0", ["endpoint.tries", "at least 1"]),
    ],
)
def test_a_bad_override_is_one_line_when_the_settings_are_made(tmp_path, override, words):
    with pytest.raises(SettingsError) as error:
        settings(override, tmp_path=tmp_path)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value), error.value


@pytest.mark.parametrize("value", ["2.7", "[1]", "true", '"many"', "{a = 1}"])
def test_toml_values_of_the_wrong_type_are_errors_and_never_rounded(tmp_path, value):
    file = tmp_path / "ragtune.toml"
    file.write_text(f"[mine]\nsize = {value}\n")
    with pytest.raises(SettingsError, match="mine.size is a whole number"):
        settings(file=file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[retrieval", "not valid TOML"),
        ("model = 3", "must be a table"),
        ("[modle]\nhub = true", "'model'"),
        ("[answer]\nleast = nan", "answer.least"),
    ],
)
def test_a_bad_toml_file_is_named(tmp_path, text, message):
    file = tmp_path / "ragtune.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=message):
        Settings(file=file)


def test_sections_of_training_are_accepted_where_their_keys_are_not_known(tmp_path):
    file = tmp_path / "ragtune.toml"
    file.write_text("[mine]\nanything = 1\n[sft]\nepochs = -3\n[dpo]\nbeta = 0.1\n")
    assert "sft.epochs=-3" in Settings(file=file).overrides
    with pytest.raises(SettingsError, match="'anything'"):
        settings(file=file)


def test_a_renamed_setting_says_its_new_name(tmp_path):
    for old, new in RENAMED.items():
        with pytest.raises(SettingsError, match=f"^{old} is called {new} now$"):
            settings(f"{old}=0", tmp_path=tmp_path)


def test_a_section_is_checked_wherever_it_is_created():
    with pytest.raises(SettingsError, match="retrieval.passages is a whole number of at least 1, not 0"):
        RetrievalSettings(passages=0)
    assert all(dataclasses.replace(cls()) == cls() for cls in SECTIONS.values())


@pytest.mark.parametrize("module", ["rag.core.settings", "rag.documents.discovery"])
def test_settings_and_file_discovery_load_no_heavy_library(module):
    heavy = {
        "torch",
        "faiss",
        "transformers",
        "langchain_text_splitters",
        "numpy",
        "pdfplumber",
        "sentence_transformers",
    }
    script = f"import sys, {module}; print(*({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 9000, "[chunk]\nsize = " + "9" * 5000, "[chunk]\nsize = " + "9" * 400, "[model\n", "\udcff"]
)
def test_a_file_that_no_parser_takes_is_one_error(tmp_path, text):
    file = tmp_path / "ragtune.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError):
        Settings([], file)
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingsError, match="can't be read"):
        Settings([], file)
