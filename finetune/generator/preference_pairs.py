"""Preference pairs from mechanical checks, no judge: chosen is the row's target; rejected is wrong for the row, and nearly as likely to the tuned model as what
is right, or likelier; where it has no such mistake to give, a near miss is made from the row."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

from tqdm import tqdm

from finetune.data.rows import PreferencePair, TrainingRow
from finetune.mining.answer_spans import find_answer_spans
from rag.answering.answer_type import expected_type
from rag.core.sections import AnswerSettings
from rag.core.text_metrics import normalize, token_f1
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.generation.span_search import Span, SpanPlace

RIGHT = 0.6  # token F1 from which an answer counts as the right span
BATCH = 8  # prompts answered together


@dataclass(frozen=True)
class Mistake:
    """An output that is wrong for a row. distance: nats between it and what is right, infinite where that was not measured."""

    row: TrainingRow
    output: str
    reason: str
    distance: float = math.inf


def failed_check(output: str, row: TrainingRow) -> str | None:
    """-> what is wrong with an output for this row, or None."""
    parsed = prompt.parse_answer(output)
    if not row.cited:
        return None if parsed.refused else "answers when it should refuse"
    if parsed.refused:
        return "refuses when it should answer"
    if token_f1(parsed.text, [row.answer]) < RIGHT:
        return "wrong span"
    if not parsed.cited:
        return "no citation"
    return None if set(parsed.cited) == {row.cited, *row.also} else "wrong citation"


def near_miss(row: TrainingRow, rng: random.Random) -> tuple[str, str]:
    """-> an output that is wrong for this row in one way, and the way. Near misses: of wrong spans one of the right passage and of the right kind if there is
    one, with the number of the passage that it stands in; of wrong citations one of a passage that does not hold the answer."""
    wrong = _wrong_spans(row)
    if not row.cited:
        span, number = _nearest(wrong, rng) if wrong else (row.answer, 1)
        return prompt.answer_text(span, number), "answers when it should refuse"
    others = [
        n
        for n, chunk in enumerate(row.passages, 1)
        if n != row.cited and normalize(row.answer) not in normalize(chunk.text)
    ]
    choices = [(prompt.REFUSAL, "refuses when it should answer")]
    if others:
        choices.append((prompt.answer_text(row.answer, rng.choice(others)), "wrong citation"))
    if wrong:
        choices.append((prompt.answer_text(*_nearest(wrong, rng)), "wrong span"))
    return rng.choice(choices)


def _wrong_spans(row: TrainingRow) -> list[tuple[int, str, int]]:
    """-> (distance, span, passage) of each span that is not the answer; distance 0 in the passage cited and of the answer's kind, 1 with one of both."""
    kinds = {
        kind
        for chunk in row.passages
        for kind, _, span in find_answer_spans(chunk.text)
        if token_f1(span, [row.answer]) >= RIGHT
    }
    return [
        ((number != row.cited) + (kind not in kinds), span, number)
        for number, chunk in enumerate(row.passages, 1)
        for kind, _, span in find_answer_spans(chunk.text)
        if token_f1(span, [row.answer]) < RIGHT
    ]


def _nearest(wrong: list[tuple[int, str, int]], rng: random.Random) -> tuple[str, int]:
    least = min(distance for distance, _, _ in wrong)
    _, span, number = rng.choice([way for way in wrong if way[0] == least])
    return span, number


def mistakes_among(row: TrainingRow, spans: list[Span], refusal: float) -> list[Mistake]:
    """-> what is wrong for this row among the spans that the model proposes and the refusal. refusal: its natural log-probability. Where nothing right was
    proposed, it is taken to be as likely as the last span. A right span that stands in another passage as well is no mistake: it may be told from there too."""
    said = [(_output(span, row), span.logprob) for span in spans] + [(prompt.REFUSAL, refusal)]
    judged = [(output, failed_check(output, row), logprob) for output, logprob in said]
    right = max(
        (logprob for _, reason, logprob in judged if not reason), default=min(logprob for _, _, logprob in judged)
    )
    wrong = [(output, reason, logprob) for output, reason, logprob in judged if reason and reason != "wrong citation"]
    return [
        Mistake(row, output, f"{'own' if logprob > right else 'near'}: {reason}", abs(logprob - right))
        for output, reason, logprob in wrong
    ]


def _output(span: Span, row: TrainingRow) -> str:
    """-> the span as the generator would write it, cited from the row's passage if it stands there, and then from those that it needs besides."""
    place: SpanPlace = next((place for place in span.places if place.passage == row.cited), span.places[0])
    also = row.also if place.passage == row.cited else ()
    return prompt.answer_text(
        place.text(row.passages[place.passage - 1]), place.passage, *also
    )


def proposed_mistakes(generator: Generator, row: TrainingRow) -> list[Mistake]:
    """What the model in training would have answered: the spans that are chosen among when it serves."""
    passages, tokenizer = list(row.passages), generator.tokenizer
    refusal = [*tokenizer(prompt.REFUSAL, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    spans, scores = generator.propose_spans(
        prompt.render(tokenizer, row.question, passages), passages, refusal, expected_type(row.question)
    )
    return mistakes_among(row, spans, sum(scores))


def written_mistakes(generator: Generator, rows: list[TrainingRow], max_new_tokens: int) -> list[Mistake]:
    """What the model writes freely, one answer a row, where that is wrong."""
    prompts = [prompt.render(generator.tokenizer, row.question, list(row.passages)) for row in rows]
    outputs = [generation.text.strip() for generation in generator.generate(prompts, max_new_tokens)]
    judged = [(row, output, failed_check(output, row)) for row, output in zip(rows, outputs, strict=True)]
    return [Mistake(row, output, f"own: {reason}", 0.0) for row, output, reason in judged if reason and output]


def nearest_first(mistakes: list[Mistake], most: int) -> list[Mistake]:
    """-> at most one mistake a row: of each reason in turn the one nearest to what is right. Far off, the label is as likely to be wrong as the model."""
    waiting: dict[str, list[Mistake]] = {}
    for mistake in sorted(mistakes, key=lambda m: -m.distance):
        waiting.setdefault(mistake.reason.split(": ")[1], []).append(mistake)
    chosen: dict[str, Mistake] = {}
    while waiting and len(chosen) < most:
        for reason in sorted(waiting):
            while waiting[reason] and waiting[reason][-1].row.id in chosen:
                waiting[reason].pop()
            if waiting[reason]:
                found = waiting[reason].pop()
                chosen[found.row.id] = found
            else:
                del waiting[reason]
    return list(chosen.values())[:most]


def build_preference_pairs(
    generator: Generator, rows: list[TrainingRow], most: int, answer: AnswerSettings
) -> list[PreferencePair]:
    """-> at most `most` pairs, one a row: the model's own mistakes and nearly made ones first, then near misses on rows that it gets right."""
    rng, found = random.Random(0), []
    rows = rng.sample(rows, min(len(rows), 2 * most))
    with tqdm(total=len(rows), desc="answering for preference pairs", unit=" rows") as bar:
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            if answer.extractive:
                found += [mistake for row in part for mistake in proposed_mistakes(generator, row)]
            else:
                found += written_mistakes(generator, part, answer.max_new_tokens)
            bar.update(len(part))
    chosen = nearest_first(found, most)
    used = {mistake.row.id for mistake in chosen}
    for row in [row for row in rows if row.id not in used][: most - len(chosen)]:
        output, reason = near_miss(row, rng)
        chosen.append(Mistake(row, output, f"made: {reason}"))
    return [PreferencePair(mistake.row, mistake.row.target, mistake.output, mistake.reason) for mistake in chosen]


def count_reasons(pairs: list[PreferencePair]) -> dict[str, int]:
    return dict(Counter(pair.reason for pair in pairs).most_common())
