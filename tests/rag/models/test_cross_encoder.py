"""The cross-encoder: what it is trained on, how it is measured, and what ships."""

import json
import math

import pytest

from fakes import HashEmbedder
from finetune.retriever.cross_encoder_pairs import make_relevance_pairs
from finetune.retriever.cross_encoder_trainer import measure_pairs
from finetune.retriever.question_folders import answerable_by_order, read_labelled_questions
from finetune.shipped.cross_encoder import proposal_pairs
from finetune.shipped.span_proposals import SpanProposal
from rag.core.errors import ModelError, TrainingError
from rag.core.sections import ModelSettings
from rag.labels.held_out import held_out
from rag.models.cross_encoder import SHIPPED, CrossEncoder
from rag.models.resolve import find_model
from rag.models.weight_delta import IDENTITY_FILE

TEXT = """# Harbour

The crane on the quay was built in 1968 by Hagglin. It lifts 40 tonnes and stands on 12 wheels.

# Ferry

The ferry Sundrie sails at 08:30 from Marrowick. She carries 220 passengers and was launched by Ada Brae.
"""


@pytest.fixture
def bench(tmp_path):
    """Return a folder in the shape of a bench, and one of question pairs."""
    folder = tmp_path / "bench"
    (folder / "documents").mkdir(parents=True)
    (folder / "documents" / "harbour.md").write_text(TEXT)
    rows = [
        ("How much does the crane lift?", "40 tonnes"),
        ("Who launched the Sundrie?", "Ada Brae"),
        ("When was it sold?", ""),
    ]
    (folder / "questions.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "id": q,
                    "question": q,
                    "answers": [a] if a else [],
                    "document": "harbour.md",
                    "start": TEXT.index(a) if a else -1,
                }
            )
            + "\n"
            for q, a in rows
        )
    )
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    (pairs / "paragraphs.jsonl").write_text(
        "".join(
            json.dumps({"title": "Ice_plant", "paragraph": n, "text": t}) + "\n"
            for n, t in enumerate(["The plant makes ice.", "Ice costs 90 pounds."])
        )
    )
    (pairs / "pairs.jsonl").write_text(
        json.dumps({"question": "What does ice cost?", "title": "Ice_plant", "paragraph": 1}) + "\n"
    )
    return folder, pairs


def test_pairs_hold_right_texts_and_near_misses(bench):
    labelled = read_labelled_questions(list(bench), HashEmbedder())
    chunks, asked = labelled.chunks, labelled.questions
    assert [(q.question, q.answerable) for q in asked] == [
        ("How much does the crane lift?", True),
        ("Who launched the Sundrie?", True),
        ("When was it sold?", False),
        ("What does ice cost?", None),
    ]
    assert [chunks[q.chunk].text.split()[-2] for q in asked][3] == "90"
    pairs = list(make_relevance_pairs(labelled, HashEmbedder(), negatives=2))
    for q in asked:
        own = [p for p in pairs if p.claim == q.question]
        assert [p.label for p in own] == ([] if q.answerable is False else [1, 0, 0])
        assert not own or own[0].evidence == chunks[q.chunk].search_text
        assert all(chunks[q.chunk].text not in p.evidence for p in own[1:])
    labels = {p.claim: p.label for p in pairs if p.kind == "answers"}
    assert labels == {f"answered: {q.question}": int(q.answerable) for q in asked[:3]}
    assert sum(p.kind == "elsewhere" for p in pairs) == 2
    assert all(
        p.label == 0 and p.claim == f"answered: {asked[n].question}"
        for n, p in enumerate(p for p in pairs if p.kind == "elsewhere")
    )
    support = [p for p in pairs if p.kind == "support"]
    right = [p for p in support if p.label]
    assert [p.claim for p in right] == ["How much does the crane lift? 40 tonnes", "Who launched the Sundrie? Ada Brae"]
    assert right[0].evidence == "Harbour\nIt lifts 40 tonnes and stands on 12 wheels."
    for pair in support:
        span = pair.claim.split("? ")[1]
        assert span in pair.evidence  # wrong ones are literal too
        assert pair.label or not {"40", "tonnes"} & set(span.split()) or "crane" not in pair.claim


def test_the_order_of_questions_says_which_their_paragraph_answers():
    assert answerable_by_order(["a"] * 10) == [True] * 4 + [None] + [False] * 5
    assert answerable_by_order([*"aab", *"aaa"]) == [True, True, None, None, False, False]
    assert answerable_by_order([]) == []
    assert answerable_by_order(["a"] * 15) == [True] * 5 + [None] * 5 + [False] * 5


def test_held_out_documents_are_known_by_their_title_whatever_folder_they_are_in():
    names = [f"article-{n}.md" for n in range(400)]
    held = [name for name in names if held_out(name)]
    assert 20 < len(held) < 60
    assert [held_out(name.removesuffix(".md").replace("article-", "Article_")) for name in held] == [True] * len(held)


def test_proposals_teach_what_is_right_and_what_is_wrong_and_nothing_in_between():
    near = [
        SpanProposal("q", "d", True, "Q?", "p", 0, 1, f"Q? {f1}", "e", -1.0, f1, f1 > 0.5)
        for f1 in (0.0, 0.24, 0.3, 0.5, 1.0)
    ]
    pairs = [(p.claim, p.label, p.kind) for p in proposal_pairs(near)]
    assert pairs == [(f"Q? {f1}", label, "support") for f1, label in ((0.0, 0), (0.24, 0), (0.5, 1), (1.0, 1))]


def test_a_folder_that_is_neither_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="holds no questions of people"):
        read_labelled_questions([tmp_path], HashEmbedder())


def test_measures_by_hand(bench):
    labelled = read_labelled_questions(list(bench), HashEmbedder())
    pairs = list(make_relevance_pairs(labelled, HashEmbedder(), negatives=2))
    perfect = measure_pairs(pairs, lambda texts: [0.9 * p.label + 0.05 for p in pairs])
    assert (
        perfect["auc_relevance"] == perfect["auc_support"] == perfect["auc_answers"] == perfect["kappa"] == 1.0
        and 0.05 < perfect["threshold"] <= 0.95
    )
    assert measure_pairs(pairs, lambda texts: [0.5] * len(texts))["auc_support"] == 0.5  # a tie is half a victory


@pytest.fixture(scope="module")
def shipped():
    return CrossEncoder(find_model(ModelSettings.embedder), "cpu", SHIPPED)


def test_the_shipped_one_tells_a_passage_that_answers_from_one_that_does_not(shipped):
    passage, other = (
        "Harbour\nThe crane on the quay lifts 40 tonnes.",
        "Ferry\nThe ferry sails at half past eight from the northern pier.",
    )
    scores = shipped.score_pairs([("How much does the crane lift?", passage), ("How much does the crane lift?", other)])
    assert 0 <= scores[1] < scores[0] <= 1


def test_scores_do_not_depend_on_the_order_and_nothing_scores_nothing(shipped):
    pairs = [
        (
            f"What is the depth of berth {n}?",
            f"Depths\nBerth {n % 5} has {n} metres of water at low tide." + " More is said." * n,
        )
        for n in range(40)
    ]
    again = list(reversed(shipped.score_pairs(pairs[::-1])))
    assert max(abs(a - b) for a, b in zip(shipped.score_pairs(pairs), again, strict=True)) < 0.02
    assert shipped.score_pairs([]) == []


def test_the_shipped_weights_are_small_and_say_what_they_are():
    about = json.loads((SHIPPED / IDENTITY_FILE).read_text())
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 8e6
    facts = "base licence trained_on threshold auc_support auc_relevance auc_answers kappa"
    assert {*facts.split()} <= {*about}


@pytest.fixture
def tiny_encoder(encoder_of):
    return encoder_of(f"{TEXT} what does ice cost how much who when ? 90 pounds makes plant")


def test_training_keeps_what_it_changed_and_reading_it_gives_the_same_scores(
    tiny_encoder, bench, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("finetune.shipped.cross_encoder.Embedder", lambda model, device: HashEmbedder())
    monkeypatch.setattr("finetune.shipped.cross_encoder.held_out", lambda document: document == "Ice_plant")
    import finetune.shipped.cross_encoder

    said = ("How much does the crane lift? 12", "Harbour\nIt stands on 12 wheels.", -1.0)
    near = [
        SpanProposal("q", document, True, "Q?", "p", 0, 1, *said, f1, f1 > 0.5)
        for document, f1 in (("harbour.md", 0.0), ("Ice_plant", 1.0), ("Ice_plant", 0.0))
    ]
    trained, save = [], finetune.shipped.cross_encoder.save_encoder
    monkeypatch.setattr(
        "finetune.shipped.cross_encoder.save_encoder", lambda model, *rest: (trained.append(model), save(model, *rest))
    )
    out = tmp_path / "kept"
    train = finetune.shipped.cross_encoder.train_shipped_cross_encoder
    train(tiny_encoder, "cpu", list(bench), near, out, epochs=2, rank=32)
    about = json.loads((out / IDENTITY_FILE).read_text())
    assert (
        about["base"] == tiny_encoder.digest
        and math.isfinite(about["threshold"])
        and about["trained_on"] == ["bench", "pairs"]
    )
    pairs = [
        ("How much does the crane lift? 40 tonnes", "Harbour\nIt lifts 40 tonnes."),
        ("Who launched it?", "Ferry\nThe ferry Sundrie sails."),
    ]
    assert CrossEncoder(tiny_encoder, "cpu", out).score_pairs(pairs) == pytest.approx(
        _scores(trained[0], tiny_encoder, pairs), abs=0.04
    )  # kept in bfloat16
    with pytest.raises(ModelError, match="was trained on"):
        CrossEncoder(find_model(ModelSettings.embedder), "cpu", out)


def _scores(model, encoder, pairs):
    """The trained model's own, without sentence-transformers between."""
    import torch
    from transformers import AutoTokenizer

    inputs = AutoTokenizer.from_pretrained(encoder.path)(
        [a for a, _ in pairs], [b for _, b in pairs], padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        return model.eval()(**inputs).logits[:, 0].float().sigmoid().tolist()
