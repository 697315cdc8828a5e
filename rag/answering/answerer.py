"""Question and passages -> Answer, in either way: the likeliest span of the passages, or what the generator writes, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rag.answering.answer import Answer, chosen_answer, written_answer
from rag.answering.answer_type import expected_type
from rag.answering.span_scorer import best_paths
from rag.answering.span_selector import SpanSelector
from rag.core.sections import AnswerSettings
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.retrieval.retriever import Passage


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer; the tokens read and written for it; the natural log-probability of each token of the continuation that was wanted."""

    answer: Answer
    read: int
    written: int
    wanted: list[float]


class Answerer:
    """A generator and, to answer with spans, a chooser."""

    def __init__(self, generator: Generator, settings: AnswerSettings, chooser: SpanSelector | None):
        self.generator, self.settings, self.chooser = generator, settings, chooser

    def answer(self, question: str, passages: list[Passage], on_text: Callable[[str], None] | None = None) -> Answer:
        """-> the answer; on_text gets freely written words as they come, before they are checked."""
        if self.chooser:
            return self._choose(question, passages, []).answer
        tokens = prompt.render(self.generator.tokenizer, question, [p.chunk for p in passages])
        return written_answer(self.generator.generate([tokens], self.settings.max_new_tokens, on_text)[0], passages)

    def answer_all(
        self, questions: list[str], shown: list[list[Passage]], wanted: list[list[int]]
    ) -> list[ScoredAnswer]:
        """-> the answers; each prompt is also asked for the likelihood of the `wanted` token ids ([]: not asked)."""
        if self.chooser:
            return [self._choose(*asked) for asked in zip(questions, shown, wanted, strict=True)]
        prompts = [
            prompt.render(self.generator.tokenizer, q, [p.chunk for p in found])
            for q, found in zip(questions, shown, strict=True)
        ]
        said = zip(
            prompts,
            shown,
            *self.generator.generate_and_score(prompts, wanted, self.settings.max_new_tokens),
            strict=True,
        )
        return [
            ScoredAnswer(written_answer(g, found), len(tokens.ids), len(g.logprobs), scores)
            for tokens, found, g, scores in said
        ]

    def _choose(self, question: str, passages: list[Passage], wanted: list[int]) -> ScoredAnswer:
        assert self.chooser
        chunks = [p.chunk for p in passages]
        tokens = prompt.render(self.generator.tokenizer, question, chunks)
        marks = self.chooser.marks(question, passages)
        spans, scores = self.generator.propose_spans(
            tokens, chunks, wanted, expected_type(question), partial(best_paths, marks=marks, chunks=chunks)
        )
        choice = self.chooser.choose(question, spans, passages, marks)
        written = max((len(span.ids) for span in spans), default=0)
        return ScoredAnswer(chosen_answer(choice, self.settings.least, passages), len(tokens.ids), written, scores)
