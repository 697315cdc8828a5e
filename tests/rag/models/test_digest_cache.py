import hashlib
import json
import os
import time

import pytest

from rag.models import digest_cache
from rag.models.digest_cache import cached_digest


@pytest.fixture
def weights(tmp_path):
    """Return a weights file that was last changed a minute ago, as far as the cache can see."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(bytes(5000))
    return file


@pytest.fixture(autouse=True)
def later(monkeypatch):
    """Let a minute pass between writing a file and reading its digest."""
    now = time.time
    monkeypatch.setattr(digest_cache.time, "time", lambda: now() + 60)


@pytest.fixture
def reads(monkeypatch):
    """Return the list of files that were read for a digest."""
    read, found = hashlib.file_digest, []

    def counted(file, algorithm):
        found.append(file.name)
        return read(file, algorithm)

    monkeypatch.setattr(digest_cache.hashlib, "file_digest", counted)
    return found


def test_an_unchanged_file_is_read_once(weights, tmp_path, reads):
    first = cached_digest(weights, "sha256", tmp_path / "digests.json")
    assert first == hashlib.sha256(bytes(5000)).hexdigest()
    assert cached_digest(weights, "sha256", tmp_path / "digests.json") == first
    assert len(reads) == 1


def test_each_algorithm_has_its_own_digest(weights, tmp_path):
    digests = {cached_digest(weights, name, tmp_path / "digests.json") for name in ("sha256", "xxh3_128", "sha256")}
    assert {len(digest) for digest in digests} == {64, 32}


@pytest.mark.parametrize(
    "how", ["in place", "in place, its time set back", "replaced by another file of its size and time"]
)
def test_a_changed_file_is_read_again(weights, tmp_path, how):
    before = cached_digest(weights, "xxh3_128", tmp_path / "digests.json")
    times = weights.stat()
    if how.startswith("replaced"):
        (tmp_path / "other").write_bytes(b"x" + bytes(4999))
        (tmp_path / "other").rename(weights)
    else:
        with weights.open("r+b") as file:
            file.write(b"x")
    if how != "in place":
        os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cached_digest(weights, "xxh3_128", tmp_path / "digests.json") != before


def test_a_file_that_was_written_just_now_is_not_trusted_by_its_time(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(digest_cache.time, "time", lambda: weights.stat().st_mtime + 0.1)
    cached_digest(weights, "xxh3_128", tmp_path / "digests.json")
    assert not (tmp_path / "digests.json").exists()


@pytest.mark.parametrize("content", ["", "[1]", '{"x": 3}', "{", "null"])
def test_a_damaged_cache_is_made_again(weights, tmp_path, content):
    cache = tmp_path / "digests.json"
    cache.write_text(content)
    assert cached_digest(weights, "sha256", cache) == hashlib.sha256(bytes(5000)).hexdigest()
    assert len(json.loads(cache.read_text())) == 1


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(weights, tmp_path):
    (tmp_path / "file").write_text("in the way of a folder")
    found = cached_digest(weights, "sha256", tmp_path / "file" / "digests.json")
    assert found == hashlib.sha256(bytes(5000)).hexdigest()


def test_files_that_are_gone_leave_the_cache(weights, tmp_path):
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"weights")
    cached_digest(weights, "sha256", tmp_path / "digests.json")
    weights.unlink()
    cached_digest(other, "sha256", tmp_path / "digests.json")
    assert [key for key in json.loads((tmp_path / "digests.json").read_text())] == [f"sha256:{other}"]
