"""The corpus's own embedder: its hard negatives, that it learns, and where it is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fakes import HashEmbedder
from finetune.data.rows import PreferencePair, TrainingRow
from finetune.retriever.contrastive import ContrastiveExample, ContrastiveLoss, contrastive_examples, number_passages
from finetune.retriever.embedder import can_be_trained, train_embedder
from finetune.retriever.hard_negatives import (
    HardNegatives,
    chunk_key,
    find_hard_negatives,
    hard_negatives_for_run,
    misleading_for_run,
    misleading_passages,
)
from rag import factory
from rag.core.chunk import Chunk
from rag.core.errors import ModelError, TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.generation.prompt import REFUSAL
from rag.models.embedder import Embedder
from rag.models.registry import INDEX, Promotion, set_live
from rag.models.resolve import find_model
from rag.retrieval.retriever import Retriever

NAMES = ("crane", "ferry", "mole", "quay", "boat", "yard", "dock", "slip")
WORDS = ("heavy", "swift", "stony", "paved", "small", "wide", "deep", "steep")


def chunk(n: int, text: str, name: str = "a.md") -> Chunk:
    return Chunk(name, "A", n, n + len(text), text, ("A",), None)


def row(gold: Chunk, passages, cited: int, answer: str = "40 tonnes") -> TrainingRow:
    return TrainingRow(
        "1", "What does it lift?", answer, "answerable", gold.document, (gold.start, gold.end), tuple(passages), cited
    )


def test_a_passage_that_misled_the_generator_comes_before_what_the_retriever_finds(tiny_index):
    store = tiny_index(
        {
            "a.md": "# A\n\nThe crane lifts 40 tonnes.",
            "b.md": "# B\n\nThe crane lifts 30 tonnes.",
            "c.md": "# C\n\nSheep graze.",
        }
    )
    a, b, c = store.all_chunks()
    asked = row(a, (b, a), 2)
    misleading = misleading_passages(
        [
            PreferencePair(asked, "40 tonnes [2]", "30 tonnes [1]", "wrong span"),
            PreferencePair(asked, "40 tonnes [2]", REFUSAL, "refuses"),
        ]
    )
    assert misleading == {"1": [b]}
    (one,) = find_hard_negatives([asked], Retriever(store, HashEmbedder(), RetrievalSettings()), {"1": [c]})
    assert one.passage == a and one.negatives[0] == c and set(one.negatives) == {b, c} and one.may_answer == []
    (one,) = find_hard_negatives([row(a, (a,), 1, "lifts")], Retriever(store, HashEmbedder(), RetrievalSettings()), {})
    assert one.may_answer == [b], "it holds the answer too"
    retriever = Retriever(store, HashEmbedder(), RetrievalSettings())
    with pytest.raises(
        TrainingError, match="none of the mined passages"
    ):  # what its passage does not answer teaches no order
        list(
            find_hard_negatives(
                [replace(row(a, (a,), 0), kind=kind) for kind in ("swapped", "mended", "unanswerable")], retriever, {}
            )
        )
    assert [
        one.passage
        for one in find_hard_negatives(
            [replace(row(a, (b,), 0), kind=kind) for kind in ("left out", "not retrieved")], retriever, {}
        )
    ] == [a, a]


def test_embedder_and_cross_encoder_share_one_search_for_hard_negatives(tiny_index, monkeypatch):
    store = tiny_index({"a.md": "# A\n\nThe crane lifts 40 tonnes.", "b.md": "# B\n\nThe crane lifts 30 tonnes."})
    opened, retriever = [], Retriever(store, HashEmbedder(), RetrievalSettings())
    monkeypatch.setattr(
        "finetune.retriever.hard_negatives.training_rows", lambda run, part: [row(store.all_chunks()[0], (), 1)]
    )
    monkeypatch.setattr(
        "finetune.retriever.hard_negatives.open_retriever", lambda *asked: opened.append(asked) or retriever
    )
    settings = Settings([])
    first = hard_negatives_for_run("shared", settings, store.folder)
    assert hard_negatives_for_run("shared", settings, store.folder) is first and len(first) == len(opened) == 1
    assert len(hard_negatives_for_run("another", settings, store.folder)) == 1 and len(opened) == 2


def test_near_misses_made_from_rows_mislead_no_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert misleading_for_run("t") == {}
    a, b = chunk(0, "It lifts 40 tonnes."), chunk(50, "It lifts 30 tonnes.")
    asked = row(a, (a, b), 1)
    pairs = [
        PreferencePair(asked, "40 tonnes [1]", "30 tonnes [2]", reason) for reason in ("wrong span", "made: wrong span")
    ]
    write_lines(Stage("t", "dpo").folder / "train.jsonl", pairs)
    assert misleading_for_run("t") == {"1": [b]}


def test_the_negative_is_the_first_passage_that_the_cross_encoder_does_not_prefer():
    a, b, c, d, e = (chunk(10 * n, f"text {n}") for n in range(5))
    scored = {a: 0.6, b: 0.7, c: 0.5, d: 0.1}

    def score(question, chunks):
        return [scored[x] for x in chunks]

    (one,) = contrastive_examples([HardNegatives("q", a, [b, c, d], [e])], score)
    assert (one.positive, one.negative) == (a, c) and one.may_answer == {chunk_key(a), chunk_key(b), chunk_key(e)}
    assert list(contrastive_examples([HardNegatives("q", a, [b], []), HardNegatives("q", a, [], [d])], score)) == [], (
        "the one may answer it too, the other has none"
    )


def test_the_loss_is_that_of_the_right_passage_among_those_that_do_not_answer():
    a, b, c = (chunk(10 * n, f"text {n}") for n in range(3))
    first = ContrastiveExample("p", a, b, frozenset({chunk_key(a)}))
    second = ContrastiveExample("q", b, c, frozenset({chunk_key(b)}))
    numbers, may_answer = number_passages([first, second])
    assert numbers == [[0, 0, 1], [1, 1, 2]] and may_answer.tolist() == [[True, False, False], [False, True, False]]
    vectors = {"q": [[3.0, 4.0], [0.0, 1.0]], "right": [[1.0, 0.0], [0.0, 1.0]], "wrong": [[0.0, 1.0], [-1.0, 0.0]]}

    class Model(torch.nn.Module):
        device = "cpu"

        def forward(self, name):
            return {"sentence_embedding": torch.tensor(vectors[name])}

    def loss(right, *others):
        return np.log(sum(np.exp((o - right) / 0.05) for o in (right, *others)))

    got = ContrastiveLoss(Model(), may_answer)(["q", "right", "wrong"], torch.tensor(numbers)).item()
    # The first is told from b twice, as the other's positive and as its own negative, and from c. The second is told
    # from a and c, not from b again.
    assert got == pytest.approx((loss(0.6, 0.8, 0.8, -0.6) + loss(1.0, 0.0, 0.0)) / 2, rel=1e-4)


@pytest.fixture
def plain(encoder_of):
    """Return a tiny encoder with mean pooling, as sentence-transformers writes one."""
    model = encoder_of(" ".join(f"the {name} is {word} what is ?" for name, word in zip(NAMES, WORDS, strict=True)))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (model.path / "modules.json").write_text(json.dumps(modules))
    (model.path / "1_Pooling").mkdir()
    (model.path / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True})
    )
    return find_model(str(model.path))


def test_it_learns_which_passage_a_question_asks_for(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chunks = [chunk(100 * n, f"the {name} is") for n, name in enumerate(NAMES)]
    found = [
        HardNegatives(f"what is {word} ?", c, [d for d in chunks if d != c], [])
        for word, c in zip(WORDS, chunks, strict=True)
    ]
    before, stage = Embedder(plain, "cpu", bfloat16=False), Stage("t", "corpus-embedder")
    train_embedder(
        stage,
        found,
        plain,
        before,
        lambda question, given: [1.0] + [0.0] * (len(given) - 1),
        "cpu",
        epochs=60,
        learning_rate=5e-3,
    )
    after = Embedder(plain, "cpu", bfloat16=False, delta=stage.folder / "weights")

    def right(embedder):
        passages = embedder.passages([c.embedding_text for c in chunks])
        return sum(int(np.argmax(passages @ embedder.question(one.question))) == n for n, one in enumerate(found))

    assert right(before) < 4 and right(after) >= 7 and after.delta and not before.delta
    assert stage.result()["questions"] == 8
    with pytest.raises(TrainingError, match="index more documents"):
        train_embedder(
            stage, [HardNegatives("q", chunks[0], [], [])], plain, before, lambda question, given: [1.0], "cpu"
        )


def test_a_weight_delta_of_another_model_is_refused_or_not_used(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "changes"
    folder.mkdir()
    (folder / "identity.json").write_text(json.dumps({"base": "0" * 64}))
    with pytest.raises(ModelError, match="was trained on 000000000000"):
        Embedder(plain, "cpu", delta=folder)
    settings = Settings([f"model.embedder={plain.path}"])
    assert factory.embedder_delta(settings) is None
    set_live(INDEX, {"embedder": Promotion(folder, "it won")})
    assert factory.embedder_delta(settings) is None, "another embedder's"
    (folder / "identity.json").write_text(json.dumps({"base": plain.digest}))
    assert factory.embedder_delta(settings) == folder


def test_an_embedder_of_another_kind_is_left_out(plain, capsys):
    assert can_be_trained(Settings([f"model.embedder={plain.path}"]))
    (plain.path / "modules.json").unlink()
    assert not can_be_trained(Settings([f"model.embedder={plain.path}"])) and "left out" in capsys.readouterr().out
