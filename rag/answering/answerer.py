"""From a question and its passages to an answer: the best span of the passages, or generated text, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rag.answering.answer import Answer, extractive_answer, generated_answer
from rag.answering.answer_type import expected_type
from rag.answering.span_scorer import best_span_paths
from rag.answering.span_selector import SpanSelector
from rag.core.sections import AnswerSettings
from rag.generation.generator import Generator
from rag.generation.prompt import PromptTokens, render
from rag.retrieval.retriever import Passage


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with what evaluation needs of it.

    prompt_tokens, answer_tokens: how many tokens were read and generated. target_logprobs: the natural
    log-probability of each token of the target, which was asked for beside the answer.
    """

    answer: Answer
    prompt_tokens: int
    answer_tokens: int
    target_logprobs: list[float]


class Answerer:
    """Answers questions from passages with a generator and, for extractive answers, a span selector."""

    def __init__(self, generator: Generator, settings: AnswerSettings, selector: SpanSelector | None):
        """selector: None to answer with generated text."""
        self.generator, self.settings, self.selector = generator, settings, selector

    def answer(self, question: str, passages: list[Passage], on_text: Callable[[str], None] | None = None) -> Answer:
        """Return the answer to a question from its passages.

        on_text: gets generated text as it grows, before it is checked. Nothing is generated for an extractive answer.
        """
        if self.selector:
            return self._extract(self.selector, question, passages, []).answer
        tokens = self._prompt(question, passages)
        (generation,) = self.generator.generate([tokens], self.settings.max_new_tokens, on_text)
        return generated_answer(generation, passages)

    def answer_all(
        self, questions: list[str], passages: list[list[Passage]], targets: list[list[int]]
    ) -> list[ScoredAnswer]:
        """Answer each question from its passages, and score each target's token ids as a continuation of its prompt.

        An empty target is not scored.
        """
        if self.selector:
            rows = zip(questions, passages, targets, strict=True)
            return [self._extract(self.selector, *row) for row in rows]
        prompts = [self._prompt(*row) for row in zip(questions, passages, strict=True)]
        generations, logprobs = self.generator.generate_and_score(prompts, targets, self.settings.max_new_tokens)
        return [
            ScoredAnswer(generated_answer(generation, shown), len(tokens.ids), len(generation.logprobs), target)
            for generation, shown, tokens, target in zip(generations, passages, prompts, logprobs, strict=True)
        ]

    def _extract(
        self, selector: SpanSelector, question: str, passages: list[Passage], target: list[int]
    ) -> ScoredAnswer:
        """Let generator and span scorer propose spans, and select one of them."""
        chunks = [passage.chunk for passage in passages]
        tokens = self._prompt(question, passages)
        scores = selector.score(question, passages)
        best_scored = partial(best_span_paths, scores=scores, chunks=chunks)
        spans, logprobs = self.generator.propose_spans(tokens, chunks, target, expected_type(question), best_scored)
        selected = selector.select(question, spans, passages, scores)
        answer = extractive_answer(selected, self.settings.least, passages)
        answer_tokens = max((len(span.ids) for span in spans), default=0)
        return ScoredAnswer(answer, len(tokens.ids), answer_tokens, logprobs)

    def _prompt(self, question: str, passages: list[Passage]) -> PromptTokens:
        return render(self.generator.tokenizer, question, [passage.chunk for passage in passages])
