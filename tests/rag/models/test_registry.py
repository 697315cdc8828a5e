"""What is live: promoting, saying why, going back."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from finetune.promote import promote_run
from rag.cli.main import main
from rag.core.errors import ModelError, TrainingError
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.models import registry
from rag.models.registry import Promotion, describe, roll_back


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def promoted(judged: Stage) -> None:
    promote_run(judged, Settings([]), Path("var/index"))


def judged(run: str, **verdicts) -> Stage:
    """-> a run's finished attribution. verdicts: component -> whether to promote; its weights say in which run they were made."""
    stage = Stage(run, "attribution")
    told = {}
    for name, better in verdicts.items():
        folder = stage.folder.parent / name
        folder.mkdir(parents=True)
        (folder / registry.WEIGHTS[name]).write_text(run)
        sentence = f"{name} of {run} {'wins' if better else 'loses'}"
        told[name] = {
            "promote": better,
            "folder": str(folder),
            "weights": registry.weights_digest(name, folder),
            "sentence": sentence,
        }
    stage.finish({"verdicts": told})
    return stage


def kept(run: str, component: str) -> str:
    return f"var/adapters/{run}-{component}-{sha256(run.encode()).hexdigest()[:8]}"


def said(component: str) -> str:
    return (registry.live_weights(component) / registry.WEIGHTS[component]).read_text()


def test_what_is_better_goes_live_and_the_rest_is_kept():
    promoted(judged("one", generator=True, reranker=False))
    assert registry.live_weights("reranker") is None and said("generator") == "one"
    promoted(judged("two", generator=False, reranker=True))
    assert said("generator") == "one" and said("reranker") == "two"
    assert registry.last_verdicts() == {
        "generator": "two: kept what was live: generator of two loses",
        "reranker": "two: promoted: reranker of two wins",
    }


def test_a_promoted_embedder_reads_the_index_anew(monkeypatch):
    read = []
    monkeypatch.setattr(
        "finetune.promote.reembed_if_needed",
        lambda settings, index: read.append((index, registry.live_weights("embedder"))),
    )
    promoted(judged("one", reranker=True, embedder=False))
    assert read == []
    promoted(judged("two", embedder=True))
    assert read == [(Path("var/index"), Path(kept("two", "embedder")))], (
        "it is live before, so that a killed one goes on"
    )


def test_one_step_back_undoes_one_promotion_whatever_it_promoted():
    promoted(judged("one", generator=True))
    promoted(judged("two", generator=True, reranker=True))
    left, now = roll_back()
    assert set(left) == {"generator", "reranker"} and set(now) == {"generator"}
    assert said("generator") == "one" and registry.live_weights("reranker") is None
    assert roll_back()[1] == {} and registry.live_weights("generator") is None
    with pytest.raises(ModelError, match="nothing was promoted"):
        roll_back()


def test_nothing_goes_live_when_nothing_is_better():
    promoted(judged("one", generator=False, reranker=False))
    assert not registry.LIVE.exists() and "one: kept what was live" in registry.last_verdicts()["reranker"]


def test_weights_that_were_not_judged_never_go_live():
    stage = judged("one", generator=True)
    (stage.folder.parent / "generator" / registry.WEIGHTS["generator"]).write_text("trained again")
    with pytest.raises(TrainingError, match="other weights than were judged: python -m eval dev --run one"):
        promoted(stage)
    assert not registry.LIVE.exists()


def test_a_run_that_is_not_judged_promotes_nothing():
    with pytest.raises(TrainingError, match="python -m eval attribution --run one"):
        promoted(Stage("one", "attribution"))


def test_lines_say_what_serves_and_why():
    shipped = {"embedder": "MiniLM", "generator": "the reader", "reranker": "the one that ships"}
    assert list(describe(shipped)) == [
        "embedder: MiniLM", "  last verdict: none yet (make train)", "reranker: the one that ships", "  last verdict: none yet (make train)",
        "generator: the reader", "  last verdict: none yet (make train)", "nothing was promoted; all of it is what ships",
    ]  # fmt: skip
    promoted(judged("one", generator=False, reranker=True))
    lines = list(describe(shipped))
    assert (
        lines[2].startswith(f"reranker: {kept('one', 'reranker')}")
        and lines[3] == "  live since one: reranker of one wins"
    )
    assert lines[5] == "generator: the reader" and lines[6].endswith("generator of one loses")


def test_a_file_of_former_days_is_read_and_a_broken_one_is_an_error():
    registry.LIVE.parent.mkdir(parents=True)
    registry.LIVE.write_text(json.dumps({"adapter": "var/adapters/x", "why": "it won"}) + "\n")
    assert registry.history() == [{"generator": Promotion("var/adapters/x", "it won")}]
    registry.LIVE.write_text('{"generator": {"folder": 1, "because": 2}}')
    with pytest.raises(ModelError, match="delete it, or make train"):
        registry.live_weights("generator")


def test_the_command_shows_and_goes_back(capsys, tiny_model):
    named = ["--set", f"model.generator={tiny_model}"]
    promoted(judged("none", generator=True))
    promoted(judged("one", reranker=True))
    capsys.readouterr()
    assert main([*named, "adapters"]) == 0 and f"reranker: {kept('one', 'reranker')}" in capsys.readouterr().out
    assert (
        main(["adapters", "--rollback"]) == 0
        and capsys.readouterr().out == f"reranker: {kept('one', 'reranker')} -> what ships\n"
    )
    assert (
        main(["adapters", "--rollback"]) == 0
        and capsys.readouterr().out == f"generator: {kept('none', 'generator')} -> what ships\n"
    )
    assert main(["adapters", "--rollback"]) == 1 and "nothing was promoted" in capsys.readouterr().err


def test_a_promoted_cross_encoder_orders_unless_one_is_named(monkeypatch):
    from rag import factory
    from rag.core.settings import Settings
    from rag.models.cross_encoder import SHIPPED

    monkeypatch.setattr(factory, "_changed_reranker", lambda model, device, delta: delta)

    def opened(*named):
        return factory.open_reranker(Settings([f"model.reranker={name}" for name in named]))

    assert opened() == opened("shipped") == SHIPPED and opened("") is None
    promoted(judged("one", reranker=True))
    assert opened() == opened("auto") == registry.live_weights("reranker") != SHIPPED
    assert (
        opened("shipped") == SHIPPED and opened("") is None and factory.open_shipped_reranker(Settings([])) == SHIPPED
    )
