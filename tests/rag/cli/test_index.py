"""The commands that change and show the index, with a hashing embedder in place of the model."""

import os
import sqlite3

import pytest

from fakes import HashEmbedder
from rag.cli.main import main
from rag.models.resolve import LocalModel
from rag.models.weight_delta import delta_name


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    """A working folder with three documents, one of them broken, and no model but the hashing embedder."""
    monkeypatch.chdir(tmp_path)
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    model = LocalModel(tmp_path, HashEmbedder.digest, "hash")
    monkeypatch.setattr("rag.factory.find_model", lambda spec, hub: model)
    monkeypatch.setattr("rag.models.resolve.find_model", lambda spec, hub: model)
    monkeypatch.setattr(
        "rag.models.embedder.Embedder",
        lambda model, device, delta=None: HashEmbedder(delta_name(delta) if delta else ""),
    )
    for name, text in {"crane": "The crane lifts 40 tonnes.", "mole": "The mole is long."}.items():
        (tmp_path / "docs" / "quay").mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / "quay" / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
    return tmp_path


def output_of(capsys, *arguments: str, status: int = 0) -> str:
    assert main(list(arguments)) == status
    out, err = capsys.readouterr()
    return out + err


def test_index_reports_and_lists_skipped_files_with_status_3(house, capsys):
    assert "documents: 2 added" in output_of(capsys, "index", "docs")
    (house / "docs" / "bad.md").write_bytes(b"\0\0\0")
    out = output_of(capsys, "index", "docs", status=3)
    assert "documents: 0 added" in out and "2 unchanged" in out and "skipped: docs/bad.md: " in out


@pytest.mark.parametrize("wrong", ["chunk.size=0", "chunk.sise=9", "documents.max_bytes=many"])
def test_a_rebuild_that_can_not_begin_leaves_the_index(house, capsys, wrong):
    output_of(capsys, "index", "docs")
    for name in ("lexical-notes.md", "dense.py"):
        (house / "var" / "index" / name).write_text("someone's")
    assert "error: " in output_of(capsys, "--set", wrong, "index", "docs", "--rebuild", status=1)
    assert "quay/crane.md" in output_of(capsys, "documents") and "2 added" in output_of(
        capsys, "index", "docs", "--rebuild"
    )
    assert all((house / "var" / "index" / name).exists() for name in ("lexical-notes.md", "dense.py")), (
        "and nothing else is deleted"
    )


def test_a_renamed_file_is_listed_and_embeds_nothing(house, capsys):
    output_of(capsys, "index", "docs")
    (house / "docs" / "quay" / "mole.md").rename(house / "docs" / "breakwater.md")
    out = output_of(capsys, "index", "docs")
    assert "1 renamed, 0 removed" in out and "0 of them embedded" in out and "quay/mole.md is now breakwater.md" in out


def test_documents_lists_names_and_patterns(house, capsys):
    output_of(capsys, "index", "docs")
    assert [line.split()[-1] for line in output_of(capsys, "documents").splitlines()] == [
        "quay/crane.md",
        "quay/mole.md",
    ]
    assert output_of(capsys, "documents", "*/cr*").split() == ["1", "chunks", "quay/crane.md"]
    (house / "docs" / "quay" / "mole.md").unlink()
    assert "its file is gone" in output_of(capsys, "documents", "quay/mole.md")


def test_remove_takes_documents_out_and_an_unknown_name_names_the_nearest(house, capsys):
    output_of(capsys, "index", "docs")
    assert "nearest is 'quay/mole.md'" in output_of(capsys, "remove", "mole.md", status=1)
    assert "removed: quay/crane.md" in output_of(capsys, "remove", "quay/crane*")
    assert "crane" not in output_of(capsys, "documents")


def test_status_counts_and_compact_gives_room_back(house, capsys):
    output_of(capsys, "index", "docs")
    output_of(capsys, "remove", "quay/crane.md")
    out = output_of(capsys, "status")
    assert "documents: 1\n" in out and "removals remembered: 1\n" in out and "1 removed since" in out
    assert "compacted" in output_of(capsys, "compact")
    assert "removals remembered: 0\n" in output_of(capsys, "status")


def test_doctor_finds_a_text_that_was_altered_and_says_what_mends_it(house, capsys, tiny_model):
    output_of(capsys, "index", "docs")
    model = ["--set", f"model.generator={tiny_model}"]
    out = output_of(capsys, *model, "doctor")
    assert "good  the document store is intact" in out and "bad " not in out
    with sqlite3.connect(house / "var" / "index" / "store.sqlite") as db:
        db.execute("UPDATE contents SET text = replace(text, '40', '99')")
    db.close()
    out = output_of(capsys, *model, "doctor", status=1)
    assert "bad   the document store is damaged" in out and "rag index FOLDER --rebuild" in out


def test_doctor_without_an_index_names_the_command(capsys, tiny_model):
    assert "bad   there is no index in var/index: make index" in output_of(
        capsys, "--set", f"model.generator={tiny_model}", "doctor", status=1
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user to whom a folder is closed")
def test_a_folder_that_was_locked_loses_nothing_and_is_listed(house, capsys):
    """As a user to whom it is closed: what is in it stays, what is gone elsewhere leaves."""
    (house / "docs" / "other.md").write_text("# other\n\nA lamp.\n")
    output_of(capsys, "index", "docs")
    (house / "docs" / "other.md").unlink()
    for path in (house, *house.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    for path in [*(house / "var").rglob("*"), house / "var", house]:
        os.chown(path, 65534, 65534)
    for mode in (0o000, 0o644):
        (house / "docs" / "quay").chmod(mode)
        os.seteuid(65534)
        try:
            out = output_of(capsys, "index", "docs", status=3)
            known = output_of(capsys, "documents")
        finally:
            os.seteuid(0)
        assert (
            "skipped: docs/quay" in out and "quay/crane.md" in known and "other.md" not in known and "gone" not in known
        )


def test_a_question_that_is_no_text_and_an_index_without_documents_are_one_line():
    from types import SimpleNamespace

    from rag.core.errors import PromptError, StoreError
    from rag.pipeline import Pipeline

    with pytest.raises(PromptError, match="not UTF-8 text"):
        Pipeline(None, SimpleNamespace(generator=None)).ask("When\udcff?")
    with pytest.raises(PromptError, match="the question is empty"):
        Pipeline(None, SimpleNamespace(generator=None)).ask(" ")
    empty = SimpleNamespace(refresh=lambda: None, search=lambda question, documents: [])
    with pytest.raises(StoreError, match="the index holds no documents: rag index FOLDER"):
        Pipeline(empty, SimpleNamespace(generator=None)).ask("When was it built?")
