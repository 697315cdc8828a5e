"""Preference pairs: what is wrong with an output, which mistakes are chosen, and near misses."""

import dataclasses
import random
from types import SimpleNamespace

import pytest

from fakes import passage
from finetune.data.rows import TrainingRow
from finetune.generator.preference_pairs import (
    Mistake,
    build_preference_pairs,
    failed_check,
    near_miss,
    proposed_mistakes,
    select_mistakes,
    span_mistakes,
)
from rag.core.sections import AnswerSettings
from rag.generation.prompt import REFUSAL, answer_text
from rag.generation.span_search import Span
from rag.generation.span_tree import SpanPlace

TEXTS = (
    "The crane lifts 40 tonnes in calm weather.",
    "It may be hired for 40 tonnes and for two days.",
    "The office opens at 08:30.",
)
ROW = TrainingRow(
    "a",
    "How much?",
    "40 tonnes",
    "answerable",
    "0.md",
    (0, 9),
    tuple(passage(text, f"{n}.md").chunk for n, text in enumerate(TEXTS)),
    1,
)
UNANSWERABLE = dataclasses.replace(ROW, id="b", kind="left out", cited=0)


def span(text, logprob, *passages):
    places = [(n, TEXTS[n - 1].index(text)) for n in passages]
    return Span(
        (1,), tuple(SpanPlace(n, start, start + len(text), (0, len(TEXTS[n - 1]))) for n, start in places), logprob
    )


def summary(mistakes):
    return {m.output: (m.reason, round(m.distance, 3)) for m in mistakes}


def test_what_the_model_prefers_to_the_right_span_is_its_own_mistake_and_the_rest_are_near():
    spans = [span("08:30", -1.0, 3), span("40 tonnes", -1.5, 2, 1), span("two days", -4.0, 2)]
    assert summary(span_mistakes(ROW, spans, -2.5)) == {
        "08:30 [3]": ("own: wrong span", 0.5),
        "two days [2]": ("near: wrong span", 2.5),
        REFUSAL: ("near: refuses when it should answer", 1.0),
    }


def test_a_right_span_from_another_passage_is_neither_right_nor_a_mistake():
    assert summary(span_mistakes(ROW, [span("40 tonnes", -0.5, 2), span("08:30", -2.0, 3)], -3.0)) == {
        "08:30 [3]": ("own: wrong span", 1.0),
        REFUSAL: ("near: refuses when it should answer", 0.0),
    }


def test_a_row_over_two_passages_wants_both_cited():
    multihop = dataclasses.replace(ROW, kind="multi-hop", also=(3,))
    assert (
        multihop.target == "40 tonnes [1][3]"
        and failed_check(multihop.target, multihop) is None
        and failed_check("40 tonnes [3][1]", multihop) is None
    )
    assert {failed_check(answer_text("40 tonnes", *cited), multihop) for cited in ((1,), (3,), (1, 2))} == {
        "wrong citation"
    }
    assert summary(span_mistakes(multihop, [span("40 tonnes", -0.5, 1), span("08:30", -2.0, 3)], -9.0))[
        "08:30 [3]"
    ] == (
        "near: wrong span",
        1.5,
    )


def test_where_the_refusal_is_right_every_span_is_wrong():
    assert summary(span_mistakes(UNANSWERABLE, [span("40 tonnes", -1.0, 1, 2), span("08:30", -6.0, 3)], -3.0)) == {
        "40 tonnes [1]": ("own: answers when it should refuse", 2.0),
        "08:30 [3]": ("near: answers when it should refuse", 3.0),
    }
    assert span_mistakes(UNANSWERABLE, [], -3.0) == []


def test_the_nearest_come_first_each_reason_in_turn_and_a_row_once():
    rows = [dataclasses.replace(ROW, id=str(n)) for n in range(4)]
    spans = [
        Mistake(row, f"s{n}", "own: wrong span", distance)
        for n, (row, distance) in enumerate(zip(rows, (3.0, 1.0, 2.0, 9.0), strict=True))
    ]
    refused = [
        Mistake(rows[1], "r1", "near: refuses when it should answer", 0.1),
        Mistake(rows[2], "r2", "near: refuses when it should answer", 0.2),
    ]
    assert [m.output for m in select_mistakes(spans + refused, 9)] == ["r1", "s2", "s0", "s3"]
    assert [m.output for m in select_mistakes(spans + refused, 2)] == ["r1", "s2"]
    assert select_mistakes([], 3) == []


def test_a_wrong_citation_is_of_a_passage_without_the_answer():
    found = {near_miss(ROW, random.Random(seed)) for seed in range(60)}
    assert {output for output, reason in found if reason == "wrong citation"} == {"40 tonnes [3]"}


class Proposes:
    """A model that would answer with the office's hours, and as easily refuse."""

    def __init__(self, tokenizer):
        self.tokenizer, self.asked = tokenizer, 0

    def propose_spans(self, prompt, passages, wanted, kind):
        self.asked += 1
        return [span("08:30", -1.0, 3), span("40 tonnes", -2.0, 1)], [-3.0 / len(wanted)] * len(wanted)

    def generate(self, prompts, most):
        return [SimpleNamespace(text=answer_text("08:30", 3))] * len(prompts)


@pytest.mark.parametrize("extractive", [True, False])
def test_pairs_are_wrong_for_the_named_reason_and_chosen_is_the_target(tiny_generator, extractive):
    rows = [dataclasses.replace(row, id=f"{row.id}{n}") for n in range(4) for row in (ROW, UNANSWERABLE)]
    generator = Proposes(tiny_generator.tokenizer)
    pairs = build_preference_pairs(generator, rows, 6, AnswerSettings(extractive=extractive))
    assert len(pairs) == len({pair.row.id for pair in pairs}) == 6 and generator.asked == 8 * extractive
    for pair in pairs:
        assert pair.chosen == pair.row.target and failed_check(pair.rejected, pair.row) == pair.reason.split(": ")[1]
    assert {pair.reason for pair in pairs} >= {"own: answers when it should refuse"}


def test_rows_without_a_mistake_get_a_near_miss(tiny_generator):
    generator = Proposes(tiny_generator.tokenizer)
    generator.generate = lambda prompts, most: [SimpleNamespace(text=ROW.target)] * len(prompts)
    pairs = build_preference_pairs(generator, [ROW], 3, AnswerSettings(extractive=False))
    assert [pair.reason.split(": ")[0] for pair in pairs] == ["made"] and failed_check(pairs[0].rejected, ROW) == pairs[
        0
    ].reason[6:]


@pytest.mark.parametrize("row", [ROW, UNANSWERABLE], ids=["answerable", "not"])
def test_a_models_own_proposals_are_judged_as_it_would_have_written_them(tiny_generator, row):
    found = proposed_mistakes(tiny_generator, row)
    assert found and all(
        failed_check(m.output, row) == m.reason.split(": ")[1] and 0 <= m.distance < 1000 for m in found
    )
    assert (REFUSAL in {m.output for m in found}) == bool(row.cited)
