"""A watched folder: what is new or changed in it is read once it is whole, and what is gone leaves."""

import sqlite3

import pytest

from rag.core.errors import DocumentError
from rag.server.work.folder_watcher import FolderWatcher
from serving import until


class Jobs:
    def __init__(self):
        self.targets = []

    def add(self, kind, targets):
        self.targets += targets
        return type("Job", (), {"id": len(self.targets)})


@pytest.fixture
def watched(tmp_path):
    """A folder that is watched, its watcher's `look`, and the folders that jobs were queued for."""
    folder, jobs = tmp_path / "inbox", Jobs()
    folder.mkdir()
    watcher = FolderWatcher([folder], jobs)
    (seen,) = watcher.folders
    return folder, (lambda: watcher.look(seen)), jobs.targets, seen


def test_files_are_read_once_two_looks_find_them_alike(watched):
    folder, look, queued, seen = watched
    look()
    assert queued == []
    (folder / "a.md").write_text("half")
    look()
    assert queued == []
    (folder / "a.md").write_text("half and whole")
    look()
    assert queued == []  # it still grew
    look()
    look()
    assert queued == [str(folder)] and seen.files == 1 and seen.changed


def test_changed_and_deleted_files_are_noticed(watched):
    folder, look, queued, _ = watched
    (folder / "a.md").write_text("one")
    (folder / "b.md").write_text("two")
    look(), look()
    (folder / "a.md").unlink()
    look(), look()
    assert len(queued) == 2


def test_a_folder_that_is_gone_for_a_while_changes_nothing(watched):
    folder, look, queued, seen = watched
    (folder / "a.md").write_text("one")
    look(), look()
    folder.rename(folder.with_name("away"))
    look(), look()
    assert seen.missing and len(queued) == 1
    folder.with_name("away").rename(folder)
    look(), look()
    assert not seen.missing and len(queued) == 1


def test_a_job_that_can_not_be_kept_is_queued_at_the_next_look(watched, monkeypatch):
    folder, look, queued, seen = watched
    (folder / "a.md").write_text("one")
    with monkeypatch.context() as full:
        full.setattr(Jobs, "add", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk is full")))
        look(), look()
    assert seen.changed == ""
    look()
    assert queued == [str(folder)]


def test_what_is_no_folder_is_told_at_once(tmp_path):
    with pytest.raises(DocumentError, match="to watch"):
        FolderWatcher([tmp_path / "none"], Jobs())


def test_the_server_reads_what_comes_into_the_folder_and_lists_it(served, tmp_path, monkeypatch):
    monkeypatch.setattr("rag.server.work.folder_watcher.EVERY", 0.05)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    made = served(watch=[inbox])
    (inbox / "berths.md").write_text("# Berths\n\nBerth nine is 240 metres long.\n")

    def listed():
        found = made.client.get("/documents").json()
        return found if "berths.md" in [each["id"] for each in found["documents"]] else None

    (shown,) = until(listed)["watched"]
    assert (shown["folder"], shown["files"], shown["missing"]) == (str(inbox), 1, False)
    answer = made.client.post("/ask", json={"question": "How long is berth nine?"}).json()
    assert answer["text"] == "Berth nine is 240 metres long."
