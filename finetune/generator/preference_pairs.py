"""Preference pairs from mechanical checks, without a judge.

The chosen output is the row's target. The rejected one is wrong for the row, and to the tuned model about as likely as
what is right, or likelier. Where the model makes no such mistake, a near miss is made from the row.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tqdm import tqdm

from finetune.data.feedback import accepted_pairs
from finetune.data.rows import PreferencePair, TrainingRow
from finetune.mining.answer_spans import find_answer_spans
from rag.answering.wording.answer_type import expected_type
from rag.core.sections import AnswerSettings
from rag.core.text_metrics import normalize, token_f1
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.generation.span_search import Span

RIGHT = 0.6  # token F1 from which an answer counts as the right span
BATCH = 8  # prompts answered together
# What can be wrong with an output. The reason of a pair has a word before it: "own" where the model prefers the mistake
# to what is right, "near" where it does not, "made" for a near miss made from the row, "said" where users had it said.
UNDUE_ANSWER, UNDUE_REFUSAL = "answers when it should refuse", "refuses when it should answer"
WRONG_SPAN, NO_CITATION, WRONG_CITATION = "wrong span", "no citation", "wrong citation"


@dataclass(frozen=True)
class Mistake:
    """An output that is wrong for a row.

    distance: nats between its log-probability and that of what is right, infinite where that was not measured.
    """

    row: TrainingRow
    output: str
    reason: str
    distance: float = math.inf


def failed_check(output: str, row: TrainingRow) -> str | None:
    """Return what is wrong with an output for this row, or None."""
    parsed = prompt.parse_answer(output)
    if not row.cited:
        return None if parsed.refused else UNDUE_ANSWER
    if parsed.refused:
        return UNDUE_REFUSAL
    if token_f1(parsed.text, [row.answer]) < RIGHT:
        return WRONG_SPAN
    if not parsed.cited:
        return NO_CITATION
    return None if set(parsed.cited) == {row.cited, *row.also} else WRONG_CITATION


def near_miss(row: TrainingRow, rng: random.Random) -> tuple[str, str]:
    """Return an output that is wrong for this row in one respect, and what is wrong with it.

    A wrong span comes from the right passage and has the answer's kind where there is such a span. A wrong citation
    names a passage that does not hold the answer.
    """
    wrong = _wrong_spans(row)
    if not row.cited:
        span, passage = _nearest(wrong, rng) if wrong else (row.answer, 1)
        return prompt.answer_text(span, passage), UNDUE_ANSWER
    answer = normalize(row.answer)
    without_answer = [number for number, chunk in enumerate(row.passages, 1) if answer not in normalize(chunk.text)]
    others = [number for number in without_answer if number != row.cited]
    choices = [(prompt.REFUSAL, UNDUE_REFUSAL)]
    if others:
        choices.append((prompt.answer_text(row.answer, rng.choice(others)), WRONG_CITATION))
    if wrong:
        choices.append((prompt.answer_text(*_nearest(wrong, rng)), WRONG_SPAN))
    return rng.choice(choices)


def _wrong_spans(row: TrainingRow) -> list[tuple[int, str, int]]:
    """Return (distance, span, passage number) of each span that is not the answer.

    distance: one for another passage than the cited one, and one for another kind than the answer's.
    """
    spans = [
        (kind, span, number)
        for number, chunk in enumerate(row.passages, 1)
        for kind, _, span in find_answer_spans(chunk.text)
    ]
    kinds = {kind for kind, span, _ in spans if token_f1(span, [row.answer]) >= RIGHT}
    return [
        ((number != row.cited) + (kind not in kinds), span, number)
        for kind, span, number in spans
        if token_f1(span, [row.answer]) < RIGHT
    ]


def _nearest(wrong: list[tuple[int, str, int]], rng: random.Random) -> tuple[str, int]:
    least = min(distance for distance, _, _ in wrong)
    _, span, number = rng.choice([candidate for candidate in wrong if candidate[0] == least])
    return span, number


def span_mistakes(row: TrainingRow, spans: Sequence[Span], refusal_logprob: float) -> list[Mistake]:
    """Return what is wrong for this row among the proposed spans and the refusal.

    refusal_logprob: natural log-probability of the refusal. Where nothing right was proposed, what is right counts as
    likely as the unlikeliest output. A right span in another passage is no mistake: the answer may follow from there.
    """
    outputs = [(_output(span, row), span.logprob) for span in spans] + [(prompt.REFUSAL, refusal_logprob)]
    checked = [(output, failed_check(output, row), logprob) for output, logprob in outputs]
    unlikeliest = min(logprob for _, _, logprob in checked)
    right = max((logprob for _, reason, logprob in checked if not reason), default=unlikeliest)
    return [
        Mistake(row, output, f"{'own' if logprob > right else 'near'}: {reason}", abs(logprob - right))
        for output, reason, logprob in checked
        if reason and reason != WRONG_CITATION
    ]


def _output(span: Span, row: TrainingRow) -> str:
    """Return the span as the generator would write it, cited from the row's passage if it stands there."""
    place = next((place for place in span.places if place.passage == row.cited), span.places[0])
    also = row.also if place.passage == row.cited else ()
    return prompt.answer_text(place.text(row.passages[place.passage - 1]), place.passage, *also)


def proposed_mistakes(generator: Generator, row: TrainingRow) -> list[Mistake]:
    """Return what is wrong among the spans that the model would choose from when it serves, and the refusal."""
    passages, tokenizer = list(row.passages), generator.tokenizer
    tokens = prompt.render(tokenizer, row.question, passages)
    refusal = [*tokenizer(prompt.REFUSAL, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    spans, logprobs = generator.propose_spans(tokens, passages, refusal, expected_type(row.question))
    return span_mistakes(row, spans, sum(logprobs))


def generated_mistakes(generator: Generator, rows: Sequence[TrainingRow], max_new_tokens: int) -> list[Mistake]:
    """Return the model's freely generated outputs, one a row, that are wrong."""
    prompts = [prompt.render(generator.tokenizer, row.question, list(row.passages)) for row in rows]
    outputs = [generation.text.strip() for generation in generator.generate(prompts, max_new_tokens)]
    checked = [(row, output, failed_check(output, row)) for row, output in zip(rows, outputs, strict=True)]
    return [Mistake(row, output, f"own: {reason}", 0.0) for row, output, reason in checked if reason and output]


def select_mistakes(mistakes: Sequence[Mistake], most: int) -> list[Mistake]:
    """Return at most `most` mistakes, one a row: of each reason in turn the one nearest to what is right.

    Where a mistake is far from it, the label is as likely to be wrong as the model.
    """
    by_reason: dict[str, list[Mistake]] = {}
    for mistake in sorted(mistakes, key=lambda m: -m.distance):
        by_reason.setdefault(mistake.reason.split(": ")[1], []).append(mistake)
    chosen: dict[str, Mistake] = {}
    while by_reason and len(chosen) < most:
        for reason in sorted(by_reason):
            waiting = by_reason[reason]
            while waiting and waiting[-1].row.id in chosen:
                waiting.pop()
            if waiting:
                nearest = waiting.pop()
                chosen[nearest.row.id] = nearest
            else:
                del by_reason[reason]
    return list(chosen.values())[:most]


def build_preference_pairs(
    generator: Generator, rows: Sequence[TrainingRow], most: int, answer: AnswerSettings
) -> list[PreferencePair]:
    """Return at most `most` pairs, one a row: the model's own and nearly made mistakes first, then near misses.

    generator: the SFT model, which answers up to twice as many rows.
    """
    rng = random.Random(0)
    rows = rng.sample(rows, min(len(rows), 2 * most))
    chosen = select_mistakes(_find_mistakes(generator, rows, answer), most)
    used = {mistake.row.id for mistake in chosen}
    for row in [row for row in rows if row.id not in used][: most - len(chosen)]:
        output, reason = near_miss(row, rng)
        chosen.append(Mistake(row, output, f"made: {reason}"))
    return [PreferencePair(mistake.row, mistake.row.target, mistake.output, mistake.reason) for mistake in chosen]


def _find_mistakes(generator: Generator, rows: Sequence[TrainingRow], answer: AnswerSettings) -> list[Mistake]:
    found: list[Mistake] = []
    with tqdm(total=len(rows), desc="answering for preference pairs", unit=" rows") as bar:
        for at in range(0, len(rows), BATCH):
            batch = rows[at : at + BATCH]
            if answer.extractive:
                found += [mistake for row in batch for mistake in proposed_mistakes(generator, row)]
            else:
                found += generated_mistakes(generator, batch, answer.max_new_tokens)
            bar.update(len(batch))
    return found


def pairs_of_feedback(run: str, rows: Sequence[TrainingRow]) -> list[PreferencePair]:
    """Return the pairs of feedback that people accepted, and whose rejected output is wrong for the row by a check.

    rows: to train on; a pair whose row is not among them as it is now asks what is held out, or was judged later.
    """
    of_rows = [pair for pair in accepted_pairs(run) if pair.row in rows]
    checked = [(pair, failed_check(pair.rejected, pair.row)) for pair in of_rows]
    return [replace(pair, reason=f"said: {reason}") for pair, reason in checked if reason]


def count_reasons(pairs: Sequence[PreferencePair]) -> dict[str, int]:
    """Return how many pairs there are of each reason, the most frequent first."""
    return dict(Counter(pair.reason for pair in pairs).most_common())
