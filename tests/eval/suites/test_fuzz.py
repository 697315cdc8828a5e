"""Some inputs of every target; `python -m eval fuzz` makes as many as one has time for."""

import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from eval.suites.fuzz import targets
from eval.suites.fuzz.mutation import LONGEST, mutated, mutated_member
from eval.suites.fuzz.runner import fuzz
from eval.suites.fuzz.table import as_text
from rag.core.errors import DataError

ROOT = Path(__file__).parents[3]
SLOW = {"pdf": 2, "office": 8, "html": 8, "answers": 6}


@pytest.mark.parametrize("target", targets.TARGETS)
def test_broken_input_is_refused_or_read(target, monkeypatch):
    monkeypatch.setattr(targets, "CORPUS", ROOT / "corpus")
    found = fuzz(target, targets.TARGETS[target](), SLOW.get(target, 40), 60)
    assert found["found"] == [] and found["inputs"] == SLOW.get(target, 40)


def test_what_is_not_refused_is_found_once_with_its_input():
    def check(draw):
        if draw.random() < 0.5:
            raise DataError("as it should be")
        return [][draw.randrange(9)]

    counts = fuzz("list", check, 20, 60)
    (found,) = counts["found"]
    assert found["where"].startswith("IndexError at test_fuzz.py:") and 0 < counts["refused"] < 20
    with pytest.raises(IndexError):
        check(random.Random(found["seed"]))
    whole = {"inputs": 20, "targets": {"list": counts}}
    assert f"list: {found['where']} (input {found['seed']!r})" in as_text(whole)


def test_an_input_is_made_again_by_its_seed_and_is_not_too_long():
    seeds = [b"[answer]\nleast = 0.5\n" * 50]
    made = [mutated(seeds, random.Random(f"x {n}")) for n in range(200)]
    assert made == [mutated(seeds, random.Random(f"x {n}")) for n in range(200)]
    assert len(set(made)) > 190 and max(map(len, made)) <= LONGEST
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a", "words " * 20)
        archive.writestr("b", "others " * 20)
    broken = zipfile.ZipFile(BytesIO(mutated_member([whole.getvalue()], random.Random(1))))
    assert (
        broken.testzip() is None and sum(broken.read(name) != zipfile.ZipFile(whole).read(name) for name in "ab") == 1
    )
