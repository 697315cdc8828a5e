"""From a question and its passages to an answer: the best span of the passages, or generated text, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rag.answering.answer import Answer, extractive_answer, generated_answer, lookup_answer
from rag.answering.spans.excluded_spans import span_filter
from rag.answering.spans.span_paths import best_span_paths
from rag.answering.spans.span_selector import SpanSelector
from rag.answering.tables.table_lookup import TableLookup
from rag.answering.wording.answer_type import expected_type
from rag.core.chunk import Chunk
from rag.core.sections import AnswerSettings
from rag.generation.generator import Generator
from rag.generation.prompt import PromptTokens, render
from rag.retrieval.passage import Passage


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with what evaluation needs of it.

    prompt_tokens, answer_tokens: how many tokens were read and generated, none where a table answered.
    target_logprobs: the natural log-probability of each token of the target, which was asked for beside the answer.
    """

    answer: Answer
    prompt_tokens: int
    answer_tokens: int
    target_logprobs: list[float]


@dataclass(frozen=True)
class _Asked:
    """A question with its passages, what their tables say to it, and a target to score, [] for none."""

    question: str
    passages: list[Passage]
    chunks: list[Chunk]
    lookup: TableLookup
    target: list[int]

    @classmethod
    def of(cls, question: str, passages: list[Passage], target: list[int] | None = None) -> _Asked:
        chunks = [passage.chunk for passage in passages]
        return cls(question, passages, chunks, TableLookup(question, chunks), target or [])


class Answerer:
    """Answers questions from passages with a generator and, for extractive answers, a span selector."""

    def __init__(self, generator: Generator, settings: AnswerSettings, selector: SpanSelector | None):
        """selector: None to answer with generated text."""
        self.generator, self.settings, self.selector = generator, settings, selector

    def answer(self, question: str, passages: list[Passage], on_text: Callable[[str], None] | None = None) -> Answer:
        """Return the answer to a question from its passages.

        on_text: gets generated text as it grows, before it is checked. Nothing is generated for an extractive answer,
        nor for a cell of a table of which the question names row and column.
        """
        asked = _Asked.of(question, passages)
        if answer := lookup_answer(asked.lookup, self.settings.least, passages):
            return answer
        if self.selector:
            return self._extract(self.selector, asked).answer
        (generation,) = self.generator.generate([self._prompt(asked)], self.settings.max_new_tokens, on_text)
        return generated_answer(generation, passages, asked.lookup, question)

    def answer_all(
        self, questions: list[str], passages: list[list[Passage]], targets: list[list[int]]
    ) -> list[ScoredAnswer]:
        """Answer each question from its passages, and score each target's token ids as a continuation of its prompt.

        An empty target is not scored.
        """
        every = [_Asked.of(*row) for row in zip(questions, passages, targets, strict=True)]
        by_lookup = [self._look_up(asked) for asked in every]
        to_read = [asked for asked, found in zip(every, by_lookup, strict=True) if not found]
        read = iter(self._read(to_read) if to_read else ())
        return [found or next(read) for found in by_lookup]

    def _look_up(self, asked: _Asked) -> ScoredAnswer | None:
        """Return the answer that the tables give without reading; the target is scored all the same."""
        answer = lookup_answer(asked.lookup, self.settings.least, asked.passages)
        if answer is None:
            return None
        target = self.generator.score(self._prompt(asked), asked.target) if asked.target else []
        return ScoredAnswer(answer, 0, 0, target)

    def _read(self, every: list[_Asked]) -> list[ScoredAnswer]:
        if self.selector:
            return [self._extract(self.selector, asked) for asked in every]
        prompts = [self._prompt(asked) for asked in every]
        targets = [asked.target for asked in every]
        generations, logprobs = self.generator.generate_and_score(prompts, targets, self.settings.max_new_tokens)
        answers = [
            generated_answer(g, asked.passages, asked.lookup, asked.question)
            for g, asked in zip(generations, every, strict=True)
        ]
        return [
            ScoredAnswer(answer, len(tokens.ids), len(generation.logprobs), target)
            for answer, generation, tokens, target in zip(answers, generations, prompts, logprobs, strict=True)
        ]

    def _extract(self, selector: SpanSelector, asked: _Asked) -> ScoredAnswer:
        """Let generator and span scorer propose spans, and select one of them."""
        tokens, scores = self._prompt(asked), selector.score(asked.question, asked.passages)
        spans, logprobs = self.generator.propose_spans(
            tokens,
            asked.chunks,
            asked.target,
            expected_type(asked.question),
            partial(best_span_paths, scores=scores, chunks=asked.chunks),
            asked.lookup.is_open,
            span_filter(asked.question, asked.chunks),
        )
        selected = selector.select(asked.question, spans, asked.passages, scores)
        answer = extractive_answer(asked.lookup.weigh(selected), self.settings.least, asked.passages)
        return ScoredAnswer(answer, len(tokens.ids), max((len(span.ids) for span in spans), default=0), logprobs)

    def _prompt(self, asked: _Asked) -> PromptTokens:
        return render(self.generator.tokenizer, asked.question, asked.chunks)
