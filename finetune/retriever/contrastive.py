"""Contrastive training of an embedder: questions with a passage and a hard negative, and the loss over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy, normalize

from finetune.retriever.hard_negatives import ChunkKey, HardNegatives, chunk_key
from rag.core.chunk import Chunk

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

JUDGED = 4  # hard negatives that the cross-encoder scores for a question, the most confusing first
TEMPERATURE = 0.05  # of the cosines, as in sentence-transformers' losses

Scorer = Callable[[str, list[Chunk]], list[float]]  # a relevance score for each chunk


@dataclass(frozen=True)
class ContrastiveExample:
    """A question, its passage and a hard negative. may_answer: passages that may answer it (false negatives)."""

    question: str
    positive: Chunk
    negative: Chunk
    may_answer: frozenset[ChunkKey]


class ContrastiveLoss(torch.nn.Module):
    """Cross-entropy of each question's passage among the passages of its batch, by cosine.

    This is InfoNCE with in-batch negatives (van den Oord et al., 2018, arXiv 1807.03748). A passage that may answer a
    question is no negative of it, nor is its own passage where that comes a second time.
    """

    may_answer: torch.Tensor

    def __init__(self, model: SentenceTransformer, may_answer: torch.Tensor) -> None:
        """Prepare the loss. may_answer: (questions, passages) of the whole data, true where one may answer."""
        super().__init__()
        self.model = model
        self.register_buffer("may_answer", may_answer.to(model.device), persistent=False)

    def forward(self, sentence_features: list[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """Return the mean loss.

        sentence_features: tokens of questions, positives and negatives. labels: (batch, 3), the number of each in the
        whole data.
        """
        vectors = [normalize(self.model(part)["sentence_embedding"].float(), dim=-1) for part in sentence_features]
        scores = vectors[0] @ torch.cat(vectors[1:]).T / TEMPERATURE
        left_out = self.may_answer[labels[:, 0]][:, torch.cat([labels[:, 1], labels[:, 2]])]
        own = torch.arange(len(labels), device=scores.device)
        left_out[own, own] = False
        return cross_entropy(scores.masked_fill(left_out, float("-inf")), own)


def contrastive_examples(found: Sequence[HardNegatives], score: Scorer) -> Iterator[ContrastiveExample]:
    """Yield one example of each question that has a hard negative.

    A passage that the cross-encoder prefers to the question's own may answer it too. score: the cross-encoder's.
    """
    for one in found:
        judged = one.negatives[:JUDGED]
        own, *others = score(one.question, [one.passage, *judged])
        negatives = [chunk for chunk, other in zip(judged, others, strict=True) if other < own]
        if negatives:
            unclear = [one.passage, *one.may_answer, *(chunk for chunk in judged if chunk not in negatives)]
            yield ContrastiveExample(
                one.question, one.passage, negatives[0], frozenset(chunk_key(chunk) for chunk in unclear)
            )


def number_passages(examples: Sequence[ContrastiveExample]) -> tuple[list[list[int]], torch.Tensor]:
    """Number questions and passages.

    Returns the numbers of each example's question, positive and negative; and (questions, passages), true where a
    passage may answer a question.
    """
    keys = [chunk_key(chunk) for example in examples for chunk in (example.positive, example.negative)]
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    may_answer = torch.tensor([[key in example.may_answer for key in number] for example in examples])
    numbers = [
        [n, number[chunk_key(example.positive)], number[chunk_key(example.negative)]]
        for n, example in enumerate(examples)
    ]
    return numbers, may_answer
