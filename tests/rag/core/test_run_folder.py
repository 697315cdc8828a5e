import pytest

from rag.core.errors import SettingsError, TrainingError
from rag.core.run_folder import Stage, as_run_name, run_folder


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def project(tmp_path):
    """Return a folder outside var/runs whose sub-folders are called like stages."""
    for name in ("mine", "sft"):
        (tmp_path / "project" / name).mkdir(parents=True)
        (tmp_path / "project" / name / "work.txt").write_text("precious")
    return tmp_path / "project"


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_stage_is_finished_once_its_result_is_written():
    stage = Stage("trial-2.b", "mine")
    with pytest.raises(TrainingError, match="python -m finetune mine --run trial-2.b"):
        stage.result()
    stage.finish({"rows": 3})
    assert stage.finished and stage.result() == {"rows": 3}
    stage.clear()
    assert not stage.folder.exists() and not stage.finished
    stage.clear()  # what is not there is cleared


@pytest.mark.parametrize(
    "run", ["", ".", "..", "../..", "a/b", "a\\b", ".hidden", "a b", "a\0", "a\n", "~", "{project}"]
)
def test_a_run_is_named_by_a_name_alone_and_nothing_is_touched(project, run):
    before = files(project.parent)
    with pytest.raises(SettingsError, match="letters, digits") as error:
        Stage(run.format(project=project), "mine").clear()
    assert "\n" not in str(error.value) and files(project.parent) == before
    with pytest.raises(SettingsError):
        run_folder(run.format(project=project))


def test_any_text_can_be_made_part_of_a_run_name():
    assert as_run_name("bench-my docs (v2)/é.1") == "bench-my-docs--v2--é.1"
    assert run_folder(as_run_name("bench-../../x")).parent == run_folder("x").parent


@pytest.mark.parametrize("name", ["..", "import/..", "import/../../x", "/etc", "", ".", "a\\..\\b"])
def test_a_stage_is_inside_its_run(name):
    with pytest.raises(SettingsError, match="not the name of a stage"):
        Stage("default", name)


def test_a_stage_of_an_imported_file_has_a_folder_in_its_run():
    stage = Stage("default", "import/asked questions (2).csv")
    stage.finish({})
    (stage.folder.parent / "other.csv").mkdir()
    stage.clear()
    assert [path.name for path in stage.folder.parent.iterdir()] == ["other.csv"]


@pytest.mark.parametrize("link", ["var/runs/default", "var/runs/default/mine"])
def test_nothing_is_removed_through_a_link(project, tmp_path, link):
    before, place = files(project), tmp_path / link
    place.parent.mkdir(parents=True)
    place.symlink_to(project if place.name == "default" else project / "mine", target_is_directory=True)
    with pytest.raises(TrainingError, match="symbolic link"):
        Stage("default", "mine").clear()
    assert files(project) == before


def test_all_runs_may_live_on_another_disk(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "disk", target_is_directory=True)
    stage = Stage("default", "mine")
    stage.finish({})
    stage.clear()
    assert files(tmp_path / "disk") == []


def test_a_file_that_is_not_as_it_was_when_the_stage_finished_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("r", "mine")
    stage.folder.mkdir(parents=True)
    (stage.folder / "gate.jsonl").write_text("{}")
    stage.finish({"kept": 1}, ["gate.jsonl"])
    stage.require_whole()
    (stage.folder / "gate.jsonl").write_text("{ }")
    with pytest.raises(TrainingError, match="damaged, or was changed.*finetune mine --run r"):
        stage.require_whole()
    (stage.folder / "run.json").write_text("[1]")
    with pytest.raises(TrainingError, match="cannot be read.*to do the stage anew"):
        stage.result()
