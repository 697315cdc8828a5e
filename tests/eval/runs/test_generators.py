import pytest

from eval.runs.generators import newest_adapter, parse_generators
from rag.core.errors import EvaluationError


def test_generators_are_base_tuned_and_named_adapters_in_the_order_given(tmp_path, weights, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = weights("one", "two")
    assert parse_generators("base, tuned", found["one"]) == {"base": None, "tuned": found["one"]}
    assert list(parse_generators(f"dpo-2={found['two']},base", None).items()) == [
        ("dpo-2", found["two"]),
        ("base", None),
    ]
    for bad in ("best", "base,best", "sft=nowhere", f"../x={found['one']}", f"={found['one']}"):
        with pytest.raises(EvaluationError, match="base, tuned and NAME=ADAPTER"):
            parse_generators(bad, None)
    with pytest.raises(EvaluationError, match="base,tuned"):
        parse_generators(" , ", None)
    with pytest.raises(EvaluationError, match="no tuned adapter: make train"):
        parse_generators("base,tuned", None)


def test_the_newest_adapter_is_that_of_the_last_finished_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert newest_adapter("default") is None
    for stage in ("sft", "dpo"):
        folder = tmp_path / "var/runs/default" / stage
        folder.mkdir(parents=True)
        assert newest_adapter("default") == (
            None if stage == "sft" else tmp_path.relative_to(tmp_path) / "var/runs/default/sft/adapter"
        )
        (folder / "run.json").write_text("{}")
    assert str(newest_adapter("default")) == "var/runs/default/dpo/adapter"
