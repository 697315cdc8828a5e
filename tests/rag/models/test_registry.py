"""Which weights are live in an index: promoting, saying why, going back, moving an index with its weights."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from finetune.promote import promote_run
from rag import encoder_factory, factory
from rag.cli.main import main
from rag.core.errors import ModelError, TrainingError
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.index.writer import StoreWriter
from rag.models.cross_encoder import SHIPPED
from rag.models.registry import (
    INDEX,
    LEGACY,
    WEIGHTS_FILE,
    Promotion,
    adapters_folder,
    describe,
    embedder_weights,
    history,
    last_verdicts,
    live_weights,
    roll_back,
    set_live,
    weights_digest,
)

LIVE = INDEX / "adapters" / "live.json"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def promote(judged: Stage, index: Path = INDEX) -> None:
    promote_run(judged, Settings([]), index)


def judged(run: str, **verdicts: bool) -> Stage:
    """Return a run's finished attribution. verdicts: by component, whether it is promoted; its weights name the run."""
    stage = Stage(run, "attribution")
    result = {}
    for name, better in verdicts.items():
        folder = stage.folder.parent / name
        folder.mkdir(parents=True)
        (folder / WEIGHTS_FILE[name]).write_text(run)
        result[name] = {
            "promote": better,
            "folder": str(folder),
            "weights": weights_digest(name, folder),
            "sentence": f"{name} of {run} {'wins' if better else 'loses'}",
        }
    stage.finish({"part": "gate", "verdicts": result})
    return stage


def kept(run: str, component: str, index: Path = INDEX) -> Path:
    return index / "adapters" / f"{run}-{component}-{sha256(run.encode()).hexdigest()[:8]}"


def live_run(component: str, index: Path = INDEX) -> str:
    """Return the run that made the live weights."""
    return (live_weights(index, component) / WEIGHTS_FILE[component]).read_text()


def test_what_is_better_goes_live_and_the_rest_is_kept():
    promote(judged("one", generator=True, reranker=False))
    assert live_weights(INDEX, "reranker") is None and live_run("generator") == "one"
    promote(judged("two", generator=False, reranker=True))
    assert live_run("generator") == "one" and live_run("reranker") == "two"
    assert last_verdicts(INDEX) == {
        "generator": "two: kept what was live: generator of two loses",
        "reranker": "two: promoted: reranker of two wins",
    }


def test_each_index_has_weights_of_its_own():
    other = Path("other")
    promote(judged("one", generator=True))
    promote(judged("two", generator=True, reranker=True), other)
    assert live_run("generator") == "one" and live_weights(INDEX, "reranker") is None
    assert live_run("generator", other) == "two" and live_run("reranker", other) == "two"
    assert factory.live_adapter(other) == kept("two", "generator", other)
    roll_back(other)
    assert live_run("generator") == "one" and live_weights(other, "generator") is None


def test_an_index_is_moved_with_its_weights(tmp_path):
    promote(judged("one", generator=True, embedder=False))
    INDEX.rename("moved")
    moved = Path("moved")
    assert live_weights(moved, "generator") == kept("one", "generator", moved) and live_run("generator", moved) == "one"
    assert "embedder of one loses" in last_verdicts(moved)["embedder"]


def test_a_rebuild_of_the_index_keeps_its_weights():
    promote(judged("one", generator=True))
    StoreWriter.destroy(INDEX)
    assert live_run("generator") == "one"


def test_a_promoted_embedder_embeds_the_index_anew(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "finetune.promote.reembed_if_needed",
        lambda settings, index: calls.append((index, live_weights(index, "embedder"))),
    )
    promote(judged("one", reranker=True, embedder=False))
    assert calls == []
    promote(judged("two", embedder=True))
    assert calls == [(INDEX, kept("two", "embedder"))], "it is live before, so that a killed process can go on"


def test_one_step_back_undoes_one_promotion_whatever_it_promoted():
    promote(judged("one", generator=True))
    promote(judged("two", generator=True, reranker=True))
    before, now = roll_back(INDEX)
    assert set(before) == {"generator", "reranker"} and set(now) == {"generator"}
    assert live_run("generator") == "one" and live_weights(INDEX, "reranker") is None
    assert roll_back(INDEX)[1] == {} and live_weights(INDEX, "generator") is None
    with pytest.raises(ModelError, match="nothing was promoted"):
        roll_back(INDEX)


def test_a_promotion_that_was_killed_and_is_done_again_is_one_step_back():
    promote(judged("one", generator=True))
    last = judged("two", generator=True)
    promote(last)
    promote(last)
    assert set(roll_back(INDEX)[1]) == {"generator"} and live_run("generator") == "one"


def test_nothing_goes_live_when_nothing_is_better():
    promote(judged("one", generator=False, reranker=False))
    assert not LIVE.exists() and "one: kept what was live" in last_verdicts(INDEX)["reranker"]


def test_weights_that_were_not_judged_never_go_live():
    stage = judged("one", generator=True)
    (stage.folder.parent / "generator" / WEIGHTS_FILE["generator"]).write_text("trained again")
    with pytest.raises(TrainingError, match="other weights than were judged: python -m eval dev --run one"):
        promote(stage)
    assert not LIVE.exists()


def test_a_run_that_is_not_judged_promotes_nothing():
    with pytest.raises(TrainingError, match="python -m eval attribution --run one"):
        promote(Stage("one", "attribution"))


def test_lines_say_what_serves_and_why():
    shipped = {"embedder": "MiniLM", "generator": "the reader", "reranker": "the shipped one"}
    assert list(describe(INDEX, shipped)) == [
        "embedder: MiniLM",
        "  last verdict: none yet (make train)",
        "reranker: the shipped one",
        "  last verdict: none yet (make train)",
        "generator: the reader",
        "  last verdict: none yet (make train)",
        "nothing was promoted: all weights are the shipped ones",
    ]
    promote(judged("one", generator=False, reranker=True))
    lines = list(describe(INDEX, shipped))
    assert lines[2] == f"reranker: {kept('one', 'reranker')}"
    assert lines[3] == "  live because one: reranker of one wins"
    assert lines[5] == "generator: the reader" and lines[6].endswith("generator of one loses")


def legacy_weights(name: str) -> Path:
    folder = LEGACY / name
    folder.mkdir(parents=True)
    (folder / WEIGHTS_FILE["generator"]).write_text(name)
    return folder


def test_weights_from_before_serve_the_default_index_until_its_next_promotion():
    old = legacy_weights("old")
    legacy_weights("r-embedder-0123abcd")
    LEGACY.joinpath("live.json").write_text(json.dumps({"generator": {"folder": str(old), "why": "it won"}}) + "\n")
    LEGACY.joinpath("verdicts.json").write_text('{"reranker": "old: it lost"}')
    assert history(INDEX) == [{"generator": Promotion(old, "it won")}] and history(Path("other")) == []
    assert embedder_weights(INDEX, "0123abcd") and not embedder_weights(Path("other"), "0123abcd")
    promote(judged("new", reranker=True))
    assert live_weights(INDEX, "generator") == adapters_folder(INDEX) / "old" and live_run("reranker") == "new"
    assert last_verdicts(INDEX) == {"reranker": "new: promoted: reranker of new wins"}
    roll_back(INDEX)
    assert live_run("generator") == "old" and live_weights(INDEX, "reranker") is None
    assert json.loads(LIVE.read_text()) == {"generator": {"folder": "old", "why": "it won"}}


def test_the_oldest_file_is_read_and_a_broken_one_is_an_error():
    LEGACY.mkdir(parents=True)
    LEGACY.joinpath("live.json").write_text(json.dumps({"adapter": "var/adapters/x", "why": "it won"}) + "\n")
    assert history(INDEX) == [{"generator": Promotion(Path("var/adapters/x"), "it won")}]
    set_live(INDEX, {"reranker": Promotion(Path("elsewhere"), "it won too")})
    assert live_weights(INDEX, "reranker") == Path("elsewhere").resolve(), "not in the index: by its full path"
    LIVE.write_text('{"generator": {"folder": 1, "because": 2}}')
    with pytest.raises(ModelError, match="delete it, or make train"):
        live_weights(INDEX, "generator")


def test_the_command_shows_and_goes_back(capsys, tiny_model):
    model = ["--set", f"model.generator={tiny_model}"]
    promote(judged("none", generator=True))
    promote(judged("one", reranker=True))
    capsys.readouterr()
    assert main([*model, "adapters"]) == 0 and f"reranker: {kept('one', 'reranker')}" in capsys.readouterr().out
    assert main([*model, "--index", "other", "adapters"]) == 0 and "nothing was promoted" in capsys.readouterr().out
    assert main(["adapters", "--rollback"]) == 0
    assert capsys.readouterr().out == f"reranker: now the shipped one, before {kept('one', 'reranker')}\n"
    assert main(["adapters", "--rollback"]) == 0
    assert capsys.readouterr().out == f"generator: now the shipped one, before {kept('none', 'generator')}\n"
    assert main(["adapters", "--rollback"]) == 1 and "nothing was promoted" in capsys.readouterr().err


def test_a_promoted_cross_encoder_ranks_unless_one_is_named(monkeypatch):
    monkeypatch.setattr(encoder_factory, "_trained_reranker", lambda model, device, delta: delta)
    monkeypatch.setattr(encoder_factory, "_span_scorer", lambda model, device, delta: "span scorer")

    def opened(*names: str, index: Path = INDEX):
        return encoder_factory.open_reranker(Settings([f"model.reranker={name}" for name in names]), index)

    assert opened() == "span scorer" and opened("shipped") == SHIPPED and opened("") is None
    promote(judged("one", reranker=True))
    assert opened() == opened("auto") == live_weights(INDEX, "reranker") != SHIPPED
    assert opened(index=Path("other")) == "span scorer" and opened("shipped") == SHIPPED and opened("") is None
    assert encoder_factory.open_shipped_reranker(Settings([])) == SHIPPED


def test_a_run_judged_before_there_were_gate_questions_is_not_promoted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage = Stage("t", "attribution")
    stage.finish({"verdicts": {}})
    with pytest.raises(TrainingError, match="had chosen its weights: python -m finetune train --run t"):
        promote_run(stage, Settings([]), Path("var/index"))


def test_an_adapters_fitted_confidence_belongs_to_what_was_judged(weights):
    folder = weights("new")["new"]
    before = weights_digest("generator", folder)
    (folder / "confidence.json").write_text('{"scale": 0.8, "offset": 0.1, "questions": 40}')
    assert weights_digest("generator", folder) != before
