"""The cross-encoder that ships: MiniLM, trained on people's questions to tell whether a passage bears out a question or an answer; kept as low-rank changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetune.retriever.cross_encoder_pairs import RelevancePair, make_relevance_pairs, read_labelled_questions
from finetune.retriever.cross_encoder_trainer import fit_cross_encoder, measure_pairs, open_trainable
from finetune.shipped.bench import held_out
from finetune.shipped.span_proposals import SpanProposal
from rag.core.jsonl import write_json
from rag.models.cross_encoder import SHIPPED, Reranker
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel
from rag.models.weight_delta import IDENTITY_FILE, save_delta

RIGHT, WRONG = 0.5, 0.25  # token F1 from which, and below which, a proposal is right or wrong


def as_pairs(near: list[SpanProposal]) -> Iterator[RelevancePair]:
    """-> what the reader proposed, right and wrong, as pairs; of those in between nothing is said."""
    for p in near:
        if p.f1 >= RIGHT or p.f1 < WRONG:
            yield RelevancePair(p.claim, p.evidence, int(p.f1 >= RIGHT), "support")


def train_reranker(
    model: LocalModel,
    device: str,
    folders: list[Path],
    near: list[SpanProposal],
    out: Path = SHIPPED,
    epochs: float = 1,
    wrong: int = 1,
    rank: int = 64,
) -> None:
    """Train the cross-encoder on the folders' questions and keep it in `out`: what changed, and how well it tells held-out pairs apart.

    near: what the reader proposed for them. wrong: passages that do not answer, for each question. rank: of the kept changes."""
    embedder = Embedder(model, device)
    chunks, paragraphs, asked = read_labelled_questions(folders, embedder)
    train, held = ([q for q in asked if held_out(q.document) == only] for only in (False, True))
    own = ([*as_pairs([p for p in near if held_out(p.document) == only])] for only in (False, True))
    rows = [*make_relevance_pairs(chunks, paragraphs, train, embedder, wrong), *next(own)]
    rows += [row for row in rows if row.kind == "answers"]  # seen twice: what takes longest to learn
    test = [*make_relevance_pairs(chunks, paragraphs, held, embedder, wrong, seed=1), *next(own)]
    print(f"{len(train)} questions make {len(rows)} pairs; {len(held)} questions ({len(test)} pairs) only measure")
    encoder = open_trainable(model, device)
    fit_cross_encoder(encoder, rows, device, epochs, 1e-4, Path("var/runs/reranker"))
    save_delta(encoder.model, model, out, rank)
    about = {"base": model.digest, "base_name": model.name, "licence": "CC BY-SA 4.0", "trained_on": [f.name for f in folders], "questions": len(train),
             "proposals": len(near), "pairs": len(rows), "epochs": epochs, "rank": rank, "threshold": 0.5}  # fmt: skip
    write_json(out / IDENTITY_FILE, about)
    whole, kept = measure_pairs(test, encoder.predict), measure_pairs(test, Reranker(model, device, out).score_pairs)
    write_json(out / IDENTITY_FILE, {**about, **kept})
    print(f"held-out pairs told apart: {whole} as trained, {kept} as kept in {out}")
