from dataclasses import dataclass

import pytest

from rag.core.errors import SettingsError
from rag.core.settings import Settings
from rag.models.resolve import ModelSettings
from rag.retrieval.retriever import RetrievalSettings


@dataclass(frozen=True)
class Sample:
    size: int = 3
    share: float = 0.5
    name: str = "x"
    on: bool = False


def test_defaults_without_any_override(tmp_path):
    assert Settings(file=tmp_path / "none.toml").section("retrieval", RetrievalSettings) == RetrievalSettings()


def test_set_overrides_the_toml_file_which_overrides_the_default(tmp_path):
    file = tmp_path / "ragtune.toml"
    file.write_text("[retrieval]\npassages = 5\ncandidates = 7\n")
    found = Settings(["retrieval.passages=4"], file).section("retrieval", RetrievalSettings)
    assert found == RetrievalSettings(passages=4, candidates=7)


def test_one_more_override_leaves_the_settings_as_they_were(tmp_path):
    settings = Settings(["retrieval.passages=4"], tmp_path / "none")
    assert settings.but("retrieval.passages=5").section("retrieval", RetrievalSettings).passages == 5
    assert settings.section("retrieval", RetrievalSettings).passages == 4


def test_values_take_the_type_of_the_default(tmp_path):
    given = ["mine.size=4", "mine.share=1", "mine.name=a=b", "mine.on=True"]
    assert Settings(given, tmp_path / "none").section("mine", Sample) == Sample(4, 1.0, "a=b", True)


def test_the_file_is_read_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "ragtune.toml").write_text("[model]\nhub = true\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().section("model", ModelSettings).hub is True


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("retreival.passages=3", ["'retreival'", "'retrieval'"]),
        ("retrieval.pasages=3", ["'pasages'", "'passages'", "candidates"]),
        ("retrieval.passages=three", ["retrieval.passages", "int", "'three'"]),
        ("retrieval.passages=2.5", ["retrieval.passages", "int", "'2.5'"]),
        ("retrieval.passages", ["section.key=value"]),
        ("passages=3", ["section.key=value"]),
    ],
)
def test_a_bad_override_is_named_with_what_would_do(override, words):
    with pytest.raises(SettingsError) as error:
        Settings([override]).section("retrieval", RetrievalSettings)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize("value", ["2.7", "[1]", "true", '"many"', "{a = 1}"])
def test_toml_values_of_the_wrong_type_are_errors_and_never_rounded(tmp_path, value):
    file = tmp_path / "ragtune.toml"
    file.write_text(f"[mine]\nsize = {value}\n")
    with pytest.raises(SettingsError, match="mine.size takes a int"):
        Settings(file=file).section("mine", Sample)


def test_a_bool_is_not_guessed():
    with pytest.raises(SettingsError, match="true or false"):
        Settings(["mine.on=perhaps"]).section("mine", Sample)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[retrieval", "not valid TOML"), ("model = 3", "must be a table"), ("[modle]\nhub = true", "'model'")],
)
def test_a_bad_toml_file_is_named(tmp_path, text, message):
    file = tmp_path / "ragtune.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=message):
        Settings(file=file)
