"""The weights of the span selector, from proposals whose truth is known."""

import json
import random
from dataclasses import astuple, replace

import pytest

from finetune.shipped import span_selector
from finetune.shipped.calibration_plot import draw_calibration, judge_by_others
from finetune.shipped.question_folder import QuestionFolder
from finetune.shipped.selector_fitting import ScoredProposal, curve_of, fit_weights, recalibration_for, select_all
from finetune.shipped.span_proposals import ALL, HELD_OUT, STAGE, SpanProposal, propose_spans
from rag.answering.spans.span_selector import SelectorWeights, sigmoid
from rag.core.errors import TrainingError
from rag.core.settings import Settings
from rag.models.span_scorer import SpanScores

TRUE = SelectorWeights(1.0, 0.5, 0.3, -1.5)


def made(questions: int, each: int = 1, documents: int = 4) -> list[ScoredProposal]:
    """Proposals that are right as often as TRUE says."""
    rng, found = random.Random(0), []
    for q in range(questions):
        for _ in range(each):
            logprob, marks, denied = rng.uniform(-6, 0), rng.uniform(-8, 8), rng.random() < 0.3
            right = rng.random() < sigmoid(TRUE.logit(logprob, marks, denied))
            found.append(
                ScoredProposal(
                    f"q{q}", f"d{q % documents}", q % 3 > 0, logprob, marks, denied, "17:00", float(right), right
                )
            )
    return found


def test_the_weights_that_made_the_truth_are_found():
    weights = fit_weights(made(20000))  # one proposal a question, so that there is nothing to choose
    selection, confidence = weights.selection, weights.confidence
    alone = replace(
        confidence, intercept=confidence.intercept + confidence.expected_f1, expected_f1=0.0
    )  # what stands alone agrees with itself, always
    assert astuple(alone) == pytest.approx(astuple(TRUE), abs=0.1)
    assert selection.span_score / selection.logprob == pytest.approx(TRUE.span_score / TRUE.logprob, abs=0.05), (
        "what choosing leaves out shrinks all of its weights alike"
    )
    assert 0.7 < selection.span_score / TRUE.span_score < 1
    assert (selection.negation_mismatch, selection.expected_f1) == (0, 0)


def test_the_best_of_several_is_not_believed_more_than_it_deserves():
    found = made(3000, each=5)
    selected = select_all(found, fit_weights(found))
    assert len(selected) == 3000
    right = sum(proposal.f1 for proposal, _ in selected)
    assert sum(probability for _, probability in selected) / 3000 == pytest.approx(right / 3000, abs=0.02)


def test_what_the_others_say_as_well_is_believed_more():
    found, rng = [], random.Random(0)
    for q in range(4000):
        alike = q % 2 == 0
        right = rng.random() < (0.8 if alike else 0.3)
        for text, logprob in (("17:00", -1.0), ("at 17:00" if alike else "08:30", -1.1)):
            found.append(
                ScoredProposal(f"q{q}", "d", True, logprob, 0.0, False, text, float(right and text != "08:30"), right)
            )
    weights = fit_weights(found)
    assert weights.selection.expected_f1 == 0 and weights.confidence.expected_f1 > 1
    believed = [probability for _, probability in select_all(found, weights)]
    assert believed[::2] == pytest.approx([0.8] * 2000, abs=0.06) and believed[1::2] == pytest.approx(
        [0.3] * 2000, abs=0.06
    )


def test_the_curve_by_hand():
    def at(likely, answerable, f1):
        return ScoredProposal("q", "d", answerable, 0.0, 0.0, False, "17:00", f1, f1 > 0), likely

    curve = {
        point.least: point
        for point in curve_of([at(0.9, True, 1.0), at(0.5, True, 0.4), at(0.3, False, 0.0), at(0.05, False, 0.0)])
    }
    assert (curve[0.0].f1, curve[0.0].accuracy, curve[0.0].right_refusals, curve[0.0].coverage) == (0.7, 0.25, 0.0, 1.0)
    assert (curve[0.4].f1, curve[0.4].accuracy, curve[0.4].right_refusals, curve[0.4].coverage) == (0.7, 0.5, 1.0, 1.0)
    assert (curve[0.8].f1, curve[0.8].accuracy, curve[0.8].coverage) == (0.5, 1.0, 0.5)


class Knows:
    """Marks the first character where the passage is right."""

    def score(self, question, texts):
        return [SpanScores([(0, 1)], *[[2.0 if text == "right" else -2.0]] * 2) for text in texts]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A bench of which two documents are held out, and the spans proposed for it."""
    monkeypatch.setattr(span_selector, "open_span_scorer", lambda settings: Knows())
    rng = random.Random(1)
    near = [
        SpanProposal(
            f"q{n}",
            "abc"[n % 3],
            True,
            "Q?",
            "right" if (good := rng.random() < 0.5) else "wrong",
            0,
            1,
            "Q? r",
            "e",
            rng.uniform(-3, 0),
            float(good),
            good,
        )
        for n in range(120)
    ]
    monkeypatch.setattr(
        span_selector,
        "propose_spans",
        lambda settings, bench, part, adapter, share: [p for p in near if part == ALL or p.document in ("a", "b")],
    )
    return tmp_path / "bench"


def test_only_what_was_left_out_of_training_weighs(bench, tmp_path):
    out = tmp_path / "span_selector.json"
    span_selector.fit_span_selector(Settings([]), [QuestionFolder(bench)], out, everything=False)
    assert not out.with_suffix(".svg").exists()  # there are no other sets to judge this one by
    kept = json.loads(out.read_text())
    assert (
        kept["questions"] == {"bench": 80}
        and kept["confidence"]["span_score"] > 0.3
        and kept["curve"][0]["coverage"] == 1.0
    )
    span_selector.fit_span_selector(Settings([]), [QuestionFolder(bench)], out, everything=True)
    assert json.loads(out.read_text())["questions"] == {"bench": 120}


def test_too_little_to_weigh_by_is_an_error(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(span_selector, "propose_spans", lambda settings, bench, part, adapter, share: [])
    with pytest.raises(TrainingError, match="too few questions"):
        span_selector.fit_span_selector(Settings([]), [QuestionFolder(bench)], tmp_path / "none.json", everything=False)


def test_proposals_are_made_once_and_say_which_are_right(
    tiny_index, tiny_embedder, tiny_generator, tmp_path, monkeypatch
):
    from rag.core.sections import RetrievalSettings
    from rag.retrieval.retriever import Retriever

    text = "# Crane\n\nThe crane lifts 40 tonnes.\n"
    (tmp_path / "questions.jsonl").write_text(
        "".join(
            json.dumps(
                {"id": i, "question": "How much does it lift?", "answers": a, "document": "crane.md", "start": 0}
            )
            + "\n"
            for i, a in (("a", ["40 tonnes"]), ("n", []))
        )
    )
    opened = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "finetune.shipped.span_proposals.open_generator",
        lambda settings, adapter: opened.append(adapter) or tiny_generator,
    )
    monkeypatch.setattr(
        "finetune.shipped.span_proposals.index_bench",
        lambda *rest, reranked: Retriever(tiny_index({"crane.md": text}), tiny_embedder, RetrievalSettings()),
    )
    first = propose_spans(Settings([]), tmp_path)
    assert propose_spans(Settings([]), tmp_path) == first and len(opened) == 1
    assert {p.question_id for p in first} == {"a", "n"} and all(
        p.f1 == 0 and not p.answerable for p in first if p.question_id == "n"
    )
    assert all((p.f1 == 1.0) == (p.claim == "How much does it lift? 40 tonnes") for p in first if p.question_id == "a")
    assert (
        propose_spans(Settings([]), tmp_path, HELD_OUT) == [] and len(opened) == 1
    )  # no document of that title only measures
    kept = next(path for path in STAGE.folder.iterdir() if f"-{ALL}-" in path.name)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-9])  # killed within the second question's line
    assert propose_spans(Settings([]), tmp_path) == first and len(opened) == 2 and kept.read_bytes() == whole
    assert all(p.claim == f"{p.question} {p.passage[p.start : p.end]}" for p in first)
    assert all(p.logprob < 0 and p.evidence == "Crane\nThe crane lifts 40 tonnes." for p in first)


def test_another_generators_confidence_is_fitted_on_its_own_proposals():
    """It scores the same spans lower by three nats, so that without it none of them would be believed."""
    found = made(4000)
    weights = fit_weights(found)
    lower = [replace(p, logprob=p.logprob - 3) for p in found]
    fitted = recalibration_for(lower, weights)
    before = select_all(found, weights)
    after = [fitted.apply(p) for _, p in select_all(lower, weights)]
    assert sum(after) / 4000 == pytest.approx(sum(p for _, p in before) / 4000, abs=0.02)
    assert fitted.questions == 4000 and sum(p for _, p in select_all(lower, weights)) < 0.8 * sum(after)


def test_each_set_is_judged_by_weights_of_the_others():
    one, other = made(400), [replace(p, f1=1 - p.f1) for p in made(400)]
    judged = judge_by_others({"one": one, "other": other, "third": made(1)})
    assert [len(answers) for answers in judged.values()] == [400, 400, 1]
    sure = [right for confidence, right in judged["one"] if confidence > 0.5]
    assert sum(sure) / len(sure) < 0.4  # the other set says the opposite


def test_the_picture_has_a_panel_for_each_set_and_one_for_all(tmp_path):
    judged = {"one": [(0.2, False), (0.9, True)] * 20, "other": [(0.5, True)] * 3}
    draw_calibration(judged, tmp_path / "new" / "calibration.svg")
    text = (tmp_path / "new" / "calibration.svg").read_text()
    assert all(name in text for name in ("all sets (43)", "one (40)", "other (3)"))
