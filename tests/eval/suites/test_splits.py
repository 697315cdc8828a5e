"""Simulated splits: the test errs no more often than it says, where looking at a z-test errs often."""

import json

import pytest

from eval.cli.parser import parser
from eval.suites import splits
from eval.suites.splits import Case, as_text, measure_splits
from rag.core.settings import Settings
from rag.server.trial.sequential_test import ALPHA


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(splits, "VOTES", 300)
    monkeypatch.setattr(splits, "CASES", (Case(0.8, 0.8), Case(0.5, 0.9), Case(0.9, 0.5, 0.3)))


def test_the_test_errs_seldom_and_finds_large_differences(few):
    found = measure_splits(40)
    equal, better, worse = found["cases"]
    assert equal["wrong"] <= 2 * ALPHA < equal["wrong_if_looked_at"]
    assert better["says_b"] == 1.0 and worse["says_a"] == 1.0 and better["wrong"] == worse["wrong"] == 0.0
    assert 20 < better["median_votes"] < 100 and equal["median_votes"] is None
    assert better["fixed_votes"] == 34, "(1.96 + 0.84)^2 * (0.25 + 0.09) * 2 / 0.16"


def test_the_table_has_a_row_for_each_case(few, tmp_path, capsys):
    args = parser().parse_args(["splits", "--runs", "2", "--json", str(tmp_path / "found.json")])
    args.work(args, Settings())
    found = json.loads((tmp_path / "found.json").read_text())
    assert capsys.readouterr().out.strip() == as_text(found)
    assert len(as_text(found).splitlines()) == 3 + 3 and found["runs"] == 2
