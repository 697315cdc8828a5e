import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rag.core.errors import SearchFileError
from rag.index.array_file import load_arrays, save_arrays

ROOT = Path(__file__).parents[3]
ARRAYS = {
    "ids": np.arange(5),
    "vectors": np.arange(12, dtype=np.float16).reshape(3, 4),
    "none": np.zeros((0, 7), np.int32),
}


@pytest.fixture
def file(tmp_path):
    save_arrays(tmp_path / "x", ARRAYS, "k", 3)
    return tmp_path / "x"


def test_arrays_come_back_as_they_were(file):
    arrays, change = load_arrays(file, "k")
    assert change == 3 and [path.name for path in file.parent.iterdir()] == ["x"]
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and np.array_equal(arrays[name], array)


def test_every_flipped_bit_is_noticed(file):
    whole = file.read_bytes()
    for at in range(0, len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        with pytest.raises(SearchFileError, match="is damaged"):
            load_arrays(file, "k")


@pytest.mark.parametrize(
    "change", [lambda w: b"", lambda w: w[:-1], lambda w: w[:30], lambda w: w + b"\0", lambda w: b"\xff" * len(w)]
)
def test_other_damage_is_noticed(file, change):
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(SearchFileError):
        load_arrays(file, "k")


def test_another_kind_and_a_missing_file_are_errors(file):
    with pytest.raises(SearchFileError, match="version k, not bm25-2"):
        load_arrays(file, "bm25-2")
    with pytest.raises(SearchFileError, match="can't be read"):
        load_arrays(file.with_name("none"), "k")


def test_a_reader_keeps_the_old_file_when_a_new_one_takes_its_place(file):
    arrays, _ = load_arrays(file, "k")
    save_arrays(file, {"ids": np.arange(5) + 100}, "k", 4)
    assert np.array_equal(arrays["ids"], np.arange(5)) and load_arrays(file, "k")[0]["ids"][0] == 100


def test_a_folder_that_is_not_there_is_an_os_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OSError):
        save_arrays(tmp_path / "none" / "x", ARRAYS, "k", 0)
    assert list(tmp_path.iterdir()) == []


def test_the_same_arrays_give_the_same_bytes_in_every_process(file):
    script = (
        "import sys, numpy; from pathlib import Path; from rag.index.array_file import save_arrays; "
        "save_arrays(Path(sys.argv[1]), {'b': numpy.arange(3), 'a': numpy.zeros(2, 'f2')}, 'k', 3)"
    )
    for name in ("y", "z"):
        subprocess.run([sys.executable, "-c", script, str(file.with_name(name))], check=True, cwd=ROOT)
    assert file.with_name("y").read_bytes() == file.with_name("z").read_bytes()


def test_any_safetensors_reader_reads_it(file):
    assert np.array_equal(load_file(file)["vectors"], ARRAYS["vectors"])
