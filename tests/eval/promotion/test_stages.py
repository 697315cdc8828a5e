import random

import pytest

from eval.metrics.span_outcomes import SpanOutcome
from eval.promotion.stages import choose_stage, fit_confidence
from rag.answering.spans.confidence import read_recalibration
from rag.core.errors import EvaluationError
from rag.core.sections import AnswerSettings
from rag.generation.prompt import REFUSAL
from rows import failed, scored

GENERATED = AnswerSettings(extractive=False)


def of(f1, refused=0):
    """Twenty answerable questions of this F1, then this many of two unanswerable ones refused."""
    answered = [scored(measures={"f1": f1, "squad2_f1": f1})] * 20
    return answered + [scored(REFUSAL if n < refused else "40 tonnes", ()) for n in range(2)]


def chosen(predictions, adapters, now="base"):
    return choose_stage(predictions, adapters, now, GENERATED)


def test_the_better_stage_wins_only_when_it_is_shown_to_beat_base(weights):
    two = weights("sft", "dpo")
    found = chosen({"base": of(0.2), "sft": of(0.6), "dpo": of(0.5)}, two)
    assert found["adapter"] == str(two["sft"])
    assert found["sentence"].startswith("on dev questions sft is better than base: F1 over all questions +0.")
    even = chosen({"base": of(0.6), "sft": of(0.6), "dpo": of(0.5)}, two)
    assert even["sentence"].startswith("on dev questions sft is not shown to be better than base")
    worse = chosen({"base": of(0.6), "sft": of(0.2), "dpo": of(0.3)}, two)
    assert worse["sentence"].startswith("on dev questions dpo is not shown to be better than base")


def test_what_answers_now_stays_though_base_is_beaten(weights):
    two = weights("sft", "dpo")
    found = chosen({"base": of(0.0), "reader": of(0.6), "sft": of(0.5), "dpo": of(0.4)}, two, "reader")
    assert "sft is not shown to be better than reader" in found["sentence"]
    found = chosen({"base": of(0.0), "reader": of(0.3), "sft": of(0.5), "dpo": of(0.4)}, two, "reader")
    assert "sft is better than reader" in found["sentence"]


def test_right_refusals_count_and_wrong_ones_cost(weights):
    found = chosen({"base": of(0.5, 0), "sft": of(0.5, 1), "dpo": of(0.5, 2)}, weights("sft", "dpo"))
    assert found["squad2_f1"] == {"base": round(10 / 22, 4), "sft": round(11 / 22, 4), "dpo": round(12 / 22, 4)}
    assert found["adapter"].endswith("dpo")
    assert "is not shown to be better" in found["sentence"], "two questions of 22 show nothing"


def test_nothing_wins_on_questions_that_failed(weights):
    with pytest.raises(EvaluationError, match="failed"):
        chosen({"base": [failed()], "sft": of(1.0)[:1]}, weights("sft"))


def predictions_of(probability, right, count=60):
    """Lines of extractive answers whose best span has one probability, and is right for a share of the questions."""
    rows = []
    for n in range(count):
        text = "40 tonnes" if n < right * count else "the crane"
        refused = probability < AnswerSettings().least
        row = scored(REFUSAL if refused else text, ("40 tonnes",))
        confidence = 1 - probability if refused else probability
        rows.append({**row, "refused": refused, "confidence": confidence, "output": f"{text} [1]"})
    return rows


def test_a_generator_that_doubts_itself_too_much_is_judged_by_what_its_confidence_means(weights):
    """Its spans are right in three of four questions, but at its own confidence it would refuse all of them."""
    folder = weights("sft")
    now = predictions_of(0.6, 0.5)
    found = choose_stage({"reader": now, "sft": predictions_of(0.15, 0.75)}, folder, "reader", AnswerSettings())
    assert found["squad2_f1"]["sft"] > 0.7 and "sft is better than reader" in found["sentence"]
    kept = read_recalibration(folder["sft"])
    assert kept.apply(0.15) > 0.5 and found["confidence"]["sft"]["questions"] == 60


def test_equal_confidence_means_equal_accuracy_for_every_generator():
    rng = random.Random(0)

    def outcomes(shift):
        found = []
        for _ in range(600):
            truth = rng.uniform(0.05, 0.95)
            stated = min(max(truth + shift, 0.02), 0.98)
            found.append(SpanOutcome(stated, float(rng.random() < truth), True))
        return found

    for shift in (-0.25, 0.0, 0.25):
        sample = outcomes(shift)
        fitted = fit_confidence(sample)
        sure = [o.f1 for o in sample if 0.6 < fitted.apply(o.probability) < 0.8]
        assert abs(sum(sure) / len(sure) - 0.7) < 0.08
