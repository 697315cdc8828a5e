"""The answer contract under fuzzing: no output of a model leads to an invented citation or a quote not in its source.

RAGTUNE_ANSWERS=10000 makes as many answers; the default takes some seconds.
"""

import re
from functools import partial

import pytest
import torch

from adversarial import ANSWERS, World, broken_answer
from rag.answering.answer import extractive_answer, generated_answer
from rag.answering.spans.span_paths import best_span_paths
from rag.answering.spans.span_selector import FittedWeights, SelectorWeights, SpanSelector
from rag.generation.generator import Generation, Generator
from rag.models.resolve import find_model
from rag.models.span_scorer import SpanScores
from rag.retrieval.passage import Passage

BATCH, LONGEST, TEMPERATURE = 20, 16, 2.0


def broken(world: World, shown: list[Passage], output: str) -> str | None:
    """Return how the answer made of the output breaks the contract, None if it does not."""
    return broken_answer(world, shown, generated_answer(Generation(output, [-0.5]), shown))


def failures(world: World, said: list[tuple[list[Passage], str]]) -> list[tuple[str, str]]:
    return [(output, wrong) for shown, output in said if (wrong := broken(world, shown, output))]


@pytest.fixture
def random_model(tiny_model):
    """Return a generator that no other test uses, and a function that gives it other random weights."""
    generator = Generator(find_model(str(tiny_model)), "cpu", "float32")

    def reroll(seed: int) -> None:
        torch.manual_seed(seed)
        with torch.no_grad():
            for weights in generator.base_model.parameters():
                weights.normal_(0, 0.3)
        generator.clear_cache()

    return generator, reroll


def test_adversarial_outputs_keep_the_contract():
    wrong, answered = [], 0
    for seed in range(-(-ANSWERS // 100)):
        world = World(seed)
        said = [(shown, world.output(shown)) for shown in (world.shown() for _ in range(100))]
        wrong += failures(world, said)
        answered += sum(not generated_answer(Generation(output, []), shown).refused for shown, output in said)
    assert wrong == []
    assert answered > ANSWERS / 20  # the fuzz reaches answers, not refusals alone


class RandomScorer:
    """A span scorer with random scores."""

    def __init__(self, rng):
        self._rng = rng

    def score(self, question, texts):
        words = [[(match.start(), match.end()) for match in re.finditer(r"\S+", text)] for text in texts]
        return [SpanScores(found, *([self._rng.gauss(0, 3) for _ in found] for _ in range(2))) for found in words]


def test_spans_of_random_weights_keep_the_contract(random_model):
    generator, reroll = random_model
    wrong, answered = [], 0
    for seed in range(-(-ANSWERS // 50)):
        world = World(seed)
        reroll(seed)
        selector = SpanSelector(RandomScorer(world.rng), FittedWeights(*[SelectorWeights(0.0, 0.1, 0.5)] * 3))
        for shown, tokens in world.prompts(generator.tokenizer, 50):
            chunks, scores = [p.chunk for p in shown], selector.score("What?", shown)
            best_scored = partial(best_span_paths, scores=scores, chunks=chunks)
            spans, _ = generator.propose_spans(tokens, chunks, [], None, best_scored)
            made = extractive_answer(selector.select("What?", spans, shown, scores), 0.2, shown)
            answered += not made.refused
            wrong += [w for w in [broken_answer(world, shown, made)] if w]
    assert wrong == []
    assert answered > ANSWERS / 20


def sampled(generator: Generator, prompts: list[list[int]]) -> list[str]:
    """Return continuations sampled at temperature 2."""
    width, pad = max(map(len, prompts)), generator.tokenizer.eos_token_id
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in prompts])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts])
    out = generator.base_model.generate(
        input_ids=ids,
        attention_mask=mask,
        do_sample=True,
        temperature=TEMPERATURE,
        top_k=0,
        max_new_tokens=LONGEST,
        pad_token_id=pad,
    )
    return [generator.tokenizer.decode(row[width:], skip_special_tokens=True) for row in out]


@pytest.mark.parametrize("how", ["sampled", "served"])
def test_random_weights_keep_the_contract(random_model, how):
    generator, reroll = random_model
    wrong, count, unasked = [], 0, 0
    for seed in range(-(-ANSWERS // 2 // BATCH)):
        world = World(1000 + seed)
        reroll(seed)
        prompts = world.prompts(generator.tokenizer, BATCH)
        if how == "sampled":
            outputs = sampled(generator, [tokens.ids for _, tokens in prompts])
        else:
            outputs = [generation.text for generation in generator.generate([tokens for _, tokens in prompts], LONGEST)]
        said = list(zip((shown for shown, _ in prompts), outputs, strict=True))
        wrong += failures(world, said)
        count += len(said)
        unasked += getattr(world, "refused_prompts", 0)
    assert wrong == []
    assert count >= ANSWERS / 2 and unasked < count / 20
