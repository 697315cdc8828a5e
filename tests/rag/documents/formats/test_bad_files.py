"""Bad input costs one line: each file of `bad_files` gives its reason and a remedy, or is read where that is right."""

import errno
import os
import re
import stat
from collections import Counter
from pathlib import Path

import pytest

from bad_files import BAD, READ, outcome
from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents import discovery
from rag.documents.discovery import find_files, load_bytes
from rag.documents.document import read_document


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
def test_a_bad_file_is_read_or_says_why_and_what_to_do(bad, tmp_path):
    reason, remedy = outcome(bad, tmp_path, DocumentSettings(max_seconds=4))
    if bad.reason == READ:
        assert reason == ""
    else:
        assert re.search(bad.reason, reason) and remedy
        assert "\n" not in reason + remedy and len(reason) < 300 and "Traceback" not in reason


def test_there_are_enough_bad_files_and_none_twice():
    assert len({bad.name for bad in BAD}) == len(BAD) and sum(bad.reason != READ for bad in BAD) >= 60
    assert all(count > 1 for count in Counter(bad.group for bad in BAD).values())


def reason(path, **settings):
    with pytest.raises(DocumentError) as error:
        load_bytes(path, DocumentSettings(**settings))
    assert error.value.remedy and str(error.value) == f"{error.value.reason}: {error.value.remedy}"
    return error.value.reason


def test_a_file_that_vanishes_after_it_was_found(tmp_path):
    (tmp_path / "a.md").write_text("words")
    ((path, _),) = list(find_files(tmp_path))
    path.unlink()
    assert "gone" in reason(path)


def test_a_file_that_vanishes_while_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.md").write_text("words")

    def gone(path, flags):
        raise FileNotFoundError(errno.ENOENT, "No such file")

    monkeypatch.setattr(discovery.os, "open", gone)
    assert "gone" in reason(tmp_path / "a.md")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, "no permission"), (errno.EIO, "can't be read"), (errno.ESTALE, "gone")]
)
def test_what_the_system_refuses_is_reported(tmp_path, monkeypatch, number, words):
    (tmp_path / "a.md").write_text("words")

    def refuse(path, flags):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(discovery.os, "open", refuse)
    assert words in reason(tmp_path / "a.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    (tmp_path / "a.md").write_text("words")
    (tmp_path / "a.md").chmod(0)
    assert "no permission" in reason(tmp_path / "a.md")


def test_the_size_limit_is_the_last_size_that_is_read(tmp_path):
    (tmp_path / "a.md").write_bytes(b"x" * 11)
    assert load_bytes(tmp_path / "a.md", DocumentSettings(max_bytes=11)) == b"x" * 11
    assert "11 bytes, more than 10" in reason(tmp_path / "a.md", max_bytes=10)


def test_a_file_that_grows_while_it_is_read_is_not_read_to_its_end(tmp_path, monkeypatch):
    (tmp_path / "a.md").write_bytes(b"x" * 100)
    small = os.stat_result((stat.S_IFREG, *[0] * 9))  # as the system saw it before
    monkeypatch.setattr(discovery.os, "fstat", lambda descriptor: small)
    assert "11 bytes, more than 10" in reason(tmp_path / "a.md", max_bytes=10)


def test_a_folder_that_cannot_be_opened_is_one_line_and_the_rest_is_found(tmp_path, monkeypatch):
    for name in ("a.md", "locked/b.md", "z.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("words")

    def scandir(path, scan=os.scandir):
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(path)

    monkeypatch.setattr(discovery.os, "scandir", scandir)
    found = dict((id, path) for path, id in find_files(tmp_path))
    assert list(found) == ["a.md", "locked", "z.md"]
    assert "no permission" in reason(found["locked"])


def test_links_that_lead_in_circles_end_and_are_reported(tmp_path):
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "sub" / "a.md").write_text("words")
    (tmp_path / "docs" / "sub" / "up").symlink_to(tmp_path / "docs")
    (tmp_path / "docs" / "self.md").symlink_to("self.md")
    found = dict((id, path) for path, id in find_files(tmp_path / "docs"))
    assert list(found) == ["self.md", "sub/a.md", "sub/up"]
    assert "circle" in reason(found["self.md"]) and "link to a folder" in reason(found["sub/up"])


def test_a_limit_that_is_raised_lets_a_file_in(tmp_path):
    (tmp_path / "a.txt").write_text("x" * 50)
    with pytest.raises(DocumentError, match="50 characters, more than 49"):
        read_document(tmp_path / "a.txt", "a.txt", DocumentSettings(max_characters=49))
    assert read_document(tmp_path / "a.txt", "a.txt", DocumentSettings(max_characters=50)).text == "x" * 50
