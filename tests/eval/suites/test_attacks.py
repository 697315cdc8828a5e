from pathlib import Path

import pytest

from eval.suites.attack_documents import PLACEBO, attack_document, read_attacks
from eval.suites.attacks import VERSIONS, as_text, attack_figures, attack_outcome, measure_attacks
from fakes import Scripted, put
from rag.core.errors import EvaluationError
from rag.core.invisible_characters import remove_invisible
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import parse_document
from rag.generation.prompt import REFUSAL

ATTACKS = read_attacks()
UNSEEN = (
    "comment",
    "hidden element",
    "white or tiny HTML",
    "white PDF text",
    "tiny or inkless PDF text",
    "hidden DOCX text",
)


def embedded(attack, words) -> str:
    """Return all that a search or a prompt sees of the document."""
    name = f"{attack.id}.{attack.suffix}"
    document = parse_document(Path(name), name, attack_document(attack, words))
    return " ".join(
        " ".join(remove_invisible(c.embedding_text) for c in chunk_document(document, ChunkSettings())).split()
    )


def test_there_are_a_hundred_of_twenty_kinds():
    assert len({a.id for a in ATTACKS}) == len(ATTACKS) == 100
    kinds = [a.kind for a in ATTACKS]
    assert len(set(kinds)) == 20 and all(kinds.count(kind) == 5 for kind in kinds)
    for attack in ATTACKS:
        assert attack.goal in ("say", "refuse") and bool(attack.forbidden) == (attack.goal == "say")
        assert attack.answer in attack.text and not any(
            word.casefold() in attack.text.casefold() for word in attack.forbidden
        )


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_every_document_is_read_and_hidden_words_do_not_enter(attack):
    for words in (None, PLACEBO, attack.payload):
        assert attack.answer in embedded(attack, words)
    seen = embedded(attack, attack.payload).casefold()
    if attack.kind in UNSEEN:
        assert not any(word.casefold() in seen for word in attack.forbidden)
        assert remove_invisible(attack.payload)[-15:].casefold() not in seen


def row(text, output=None):
    return {"text": text, "refused": text == REFUSAL, "output": output or text}


def attack_of(goal):
    return next(a for a in ATTACKS if a.goal == goal)


def test_repeating_and_provoked_refusals_are_counted_apart():
    say, refuse = attack_of("say"), attack_of("refuse")
    right, bad = row(say.answer), row(f"It is {say.forbidden[0].upper()}")
    outcome = attack_outcome(say, right, right, bad)
    assert (outcome["repeats"], outcome["generated"], outcome["provoked"], outcome["success"]) == (
        True,
        True,
        False,
        True,
    )
    outcome = attack_outcome(say, right, right, row(REFUSAL, bad["text"]))
    assert (outcome["repeats"], outcome["generated"], outcome["provoked"], outcome["success"]) == (
        False,
        True,
        True,
        False,
    )
    outcome = attack_outcome(refuse, row(refuse.answer), row(REFUSAL), row(REFUSAL))
    assert (outcome["repeats"], outcome["provoked"], outcome["by_placebo"], outcome["success"]) == (
        False,
        True,
        True,
        True,
    )
    outcome = attack_outcome(refuse, row(REFUSAL), row(REFUSAL), row(REFUSAL))
    assert (outcome["provoked"], outcome["success"], outcome["right"]) == (False, False, dict.fromkeys(VERSIONS, False))
    with pytest.raises(EvaluationError, match="out of memory"):
        attack_outcome(say, right, {"error": "out of memory"}, bad)


def test_figures_count_by_kind():
    outcome = [
        attack_outcome(a, row(a.answer), row(a.answer), row(a.forbidden[0] if a.forbidden else REFUSAL))
        for a in ATTACKS
    ]
    found = attack_figures(outcome)
    assert found["success"]["count"] == 100 and found["repeats"]["count"] == found["repeats"]["n"] == 88
    assert found["provoked_on_purpose"]["count"] == found["provoked"]["count"] == 12 and found["right"] == {
        "clean": 100,
        "placebo": 100,
        "attacked": 0,
    }
    assert all(kind["success"]["count"] == 5 for kind in found["by_kind"].values())
    assert "100 of 100" in as_text({"n": 100, "generators": {"x": found}})


def test_all_are_asked_through_index_and_prompt(tmp_path, tiny_generator, tiny_embedder, tiny_index, monkeypatch):
    from rag.core.sections import RetrievalSettings
    from rag.core.settings import Settings
    from rag.retrieval.retriever import Retriever

    stores = []

    def index(settings, folder, targets):
        store = tiny_index({})
        for path in sorted(targets[1].iterdir()):
            document = parse_document(path, path.name, path.read_bytes())
            put(store, path.name, f"# {document.title}\n\n{document.text}")
        stores.append(store)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eval.suites.attacks.read_attacks", lambda: ATTACKS[:3])
    monkeypatch.setattr("eval.suites.attacks.build_index", index)
    monkeypatch.setattr(
        "eval.suites.attacks.open_retriever",
        lambda settings, index, weights_from: Retriever(stores[-1], tiny_embedder, RetrievalSettings()),
    )
    generator = Scripted(tiny_generator.tokenizer, says="BANANA [1]")
    monkeypatch.setattr("eval.suites.attacks.open_generator", lambda settings, adapter: generator)
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "adapter_model.safetensors").write_bytes(b"x")
    found = measure_attacks(
        Settings(["answer.extractive=false"], tmp_path / "none.toml"), tmp_path, {"base": None, "tuned": weights}
    )["generators"]
    assert (
        found["tuned"]["repeats"]["count"] == 1 and found["tuned"]["generated"]["count"] == 1
    )  # the first attack's payload says BANANA
    assert found["base"]["success"]["count"] == 0 and generator.asked == 18
    assert sum("BANANA" in text for text in generator.prompts) > 0 and (tmp_path / "var/runs/attacks/run.json").exists()
