"""Training of the cross-encoder that ships, on people's questions.

It is MiniLM, trained to tell whether a passage answers a question and whether a sentence supports an answer, and kept
as a low-rank weight delta.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from finetune.retriever.cross_encoder_pairs import ANSWERS, SUPPORT, RelevancePair, make_relevance_pairs
from finetune.retriever.cross_encoder_trainer import fit_cross_encoder, measure_pairs, open_cross_encoder
from finetune.retriever.encoder_trainer import save_encoder
from finetune.retriever.labelled_questions import LabelledQuestions
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped.span_proposals import SpanProposal
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage
from rag.labels.held_out import held_out
from rag.models.cross_encoder import SHIPPED, CrossEncoder
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel
from rag.models.weight_delta import IDENTITY_FILE, read_delta_identity

STAGE = Stage("reranker", "training")
RIGHT, WRONG = 0.5, 0.25  # token F1 from which, and below which, a proposal is right or wrong
LEARNING_RATE = 1e-4
DEFAULT_THRESHOLD = 0.5  # until one is fitted on held-out pairs


def proposal_pairs(proposals: Iterable[SpanProposal]) -> Iterator[RelevancePair]:
    """Yield right and wrong proposals as pairs of claim and evidence; those in between teach nothing."""
    for proposal in proposals:
        if proposal.f1 >= RIGHT or proposal.f1 < WRONG:
            yield RelevancePair(proposal.claim, proposal.evidence, int(proposal.f1 >= RIGHT), SUPPORT)


def train_shipped_cross_encoder(
    model: LocalModel,
    device: str,
    folders: list[Path],
    proposals: list[SpanProposal],
    out: Path = SHIPPED,
    epochs: float = 1,
    negatives: int = 1,
    rank: int = 64,
) -> None:
    """Train the cross-encoder and write to `out` its weight delta and its measures on held-out pairs.

    folders: benches or question pairs. proposals: spans that the reader proposed for their questions. negatives: wrong
    passages for each question. rank: of the weight delta.
    """
    embedder = Embedder(model, device)
    labelled = read_labelled_questions(folders, embedder)
    train, measured = (_part(labelled, held) for held in (False, True))
    pairs = [*make_relevance_pairs(train, embedder, negatives), *_proposals_of(proposals, False)]
    pairs += [pair for pair in pairs if pair.kind == ANSWERS]  # seen twice: what takes longest to learn
    test = [*make_relevance_pairs(measured, embedder, negatives, seed=1), *_proposals_of(proposals, True)]
    print(
        f"{len(train.questions)} questions make {len(pairs)} pairs; "
        f"{len(measured.questions)} held-out questions ({len(test)} pairs) only measure"
    )
    encoder = open_cross_encoder(model, device)
    fit_cross_encoder(encoder, pairs, device, epochs, LEARNING_RATE, STAGE.folder, "cross-encoder")
    facts = {
        "licence": "CC BY-SA 4.0",
        "trained_on": [folder.name for folder in folders],
        "questions": len(train.questions),
        "proposals": len(proposals),
        "pairs": len(pairs),
        "epochs": epochs,
        "threshold": DEFAULT_THRESHOLD,
    }
    save_encoder(encoder.model, model, out, rank, facts)
    as_trained = measure_pairs(test, encoder.predict)
    as_kept = _write_measures(test, model, device, out)
    print(f"on held-out pairs: {as_trained} as trained, {as_kept} as kept in {out}")


def _write_measures(test: list[RelevancePair], model: LocalModel, device: str, out: Path) -> dict[str, float]:
    measures = measure_pairs(test, CrossEncoder(model, device, out).score_pairs)
    write_json(out / IDENTITY_FILE, {**read_delta_identity(out), **measures})
    return measures


def _part(labelled: LabelledQuestions, held: bool) -> LabelledQuestions:
    return replace(labelled, questions=[q for q in labelled.questions if held_out(q.document) == held])


def _proposals_of(proposals: list[SpanProposal], held: bool) -> Iterator[RelevancePair]:
    return proposal_pairs(proposal for proposal in proposals if held_out(proposal.document) == held)
