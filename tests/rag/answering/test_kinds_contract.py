"""Every kind of answer under fuzzing: whatever span is selected, no citation is invented and every quote is literal.

RAGTUNE_ANSWERS=10000 makes as many answers; the default takes some seconds.
"""

import re
from collections import Counter
from dataclasses import replace

from adversarial import ANSWERS, PIECES, World, broken_answer
from rag.answering.answer import Answer, extractive_answer, lookup_answer
from rag.answering.comparisons.comparing import compare
from rag.answering.comparisons.sub_questions import split_question
from rag.answering.spans.selected_span import answer_with
from rag.answering.tables.table_lookup import TableLookup
from rag.core.chunk_parts import prose_spans, row_spans
from rag.core.text_metrics import normalize
from rag.generation.span_tree import SpanPlace
from rag.retrieval.passage import Passage

OF_KINDS = [
    "Dogs must not enter the hall.", "You may swim here, except in March.", "Nobody is allowed on the mole at night.",
    "\n1. Close the valve.\n2. Ring the bell.\n3. Wait for the fitter.\n", "Press stop.",
    "Proceed as follows:\n- open the hatch\n- look", "The kit holds ropes, nets, floats and a knife.",
    "The quay is 120 m long.", "The pier is 85 m long.",
    "\n\n| Berth | Depth | Quay |\n|---|---|---|\n| R1 | 4.2 m | north |\n| R2 | 3.1 m | south [2] |\n\n",
]  # fmt: skip
QUESTIONS = [
    "What are the three steps?", "Which ropes are in the kit?", "What kinds of nets are there?", "List all the items",
    "May I swim here?", "May you swim here in March?", "May dogs enter the hall?", "Must dogs enter the hall?",
    "How do I close the valve?", "What should we do at the hatch?", "When does the office open?",
    "What is the depth of R1?", "Which quay is R2 on?",
]  # fmt: skip
OF_TWO = [
    "How much longer is the quay than the pier?",
    "What is the difference between the quay and the pier?",
    "How long is the quay, and when does the office open?",
]


def answer_from(world: World, question: str, shown: list[Passage]) -> Answer:
    """Return the answer by tables, else from any span of the passages, as if a model had selected it."""
    found = lookup_answer(TableLookup(question, [passage.chunk for passage in shown]), 0.2, shown)
    number = world.rng.randrange(len(shown)) + 1 if shown else 0
    chunk = shown[number - 1].chunk if shown else None
    sentences = [*prose_spans(chunk), *row_spans(chunk).values()] if chunk else []
    if found or not sentences:
        return found or extractive_answer(None, 0.2, shown)
    sentence = world.rng.choice(sentences)
    words = [word.span() for word in re.compile(r"\w[\w.:-]*").finditer(chunk.text, *sentence)]
    if not words:
        return extractive_answer(None, 0.2, shown)
    first = world.rng.randrange(len(words))
    place = SpanPlace(number, words[first][0], world.rng.choice(words[first : first + 6])[1], sentence)
    if not place.text(chunk) or "[" in place.text(chunk):  # no such span is proposed
        return extractive_answer(None, 0.2, shown)
    selected = answer_with(question, chunk, place, world.rng.random(), world.rng.random())
    return extractive_answer(selected, 0.2, shown)


def broken_kind(world: World, made: Answer) -> str | None:
    """Return how the answer breaks the contract, or what of its text no quote has."""
    quoted = normalize(" ".join(citation.quote for citation in made.citations))
    if made.kind == "list" and not set(normalize(made.text).split()) <= set(quoted.split()):
        return f"an item that is not quoted: {made}"
    if made.kind == "probable":
        return broken_answer(world, made.passages, replace(made, citations=[], kind="refusal"))
    return broken_answer(world, made.passages, made)


def test_every_kind_of_answer_keeps_the_contract():
    wrong, kinds = [], Counter()
    for seed in range(-(-ANSWERS // 100)):
        world = World(seed, PIECES + 4 * OF_KINDS)
        for n in range(100):
            asked = world.rng.choice(QUESTIONS if n % 2 else OF_TWO)
            made = answer_from(world, asked, world.shown())
            if parts := split_question(asked):
                other = answer_from(world, asked, world.shown())
                made = compare(parts, made, other, 0.1) or made
            kinds[made.kind] += 1
            wrong += [found for found in [broken_kind(world, made)] if found]
    assert wrong == []
    reached = {"refusal", "probable", "span", "list", "sentence", "yes or no", "comparison", "lookup"}
    assert reached <= kinds.keys()
