"""Training what marks where answers begin and end: on people's questions, each read with its passage and with near ones that do not answer it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoTokenizer, get_linear_schedule_with_warmup

from finetune.retriever.cross_encoder_pairs import LabelledQuestion, near_of, read_labelled_questions
from finetune.shipped.bench import held_out
from rag.answering.span_scorer import SHIPPED, encode_pairs, load_span_model
from rag.core.chunk import Chunk
from rag.core.errors import TrainingError
from rag.core.jsonl import write_json
from rag.models.cross_encoder import SHIPPED as RERANKER
from rag.models.device import computes_bfloat16
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel
from rag.models.weight_delta import IDENTITY_FILE, apply_delta, save_delta

BATCH, EPOCHS, LEARNING_RATE = 8, 2, 1e-4
PASSAGES = 2  # read with a question: its own, and one that is near
OTHERS = 6  # near passages that it is drawn from
HEAD = 10  # times as fast as the encoder learns the two outputs, which start at random
RANK = 64  # of the kept changes


@dataclass(frozen=True)
class SpanExample:
    """A question and what is read with it. span: characters of the answer in the first text; None where none of the texts answers."""

    question: str
    texts: tuple[str, ...]
    span: tuple[int, int] | None


def span_examples(
    chunks: list[Chunk], asked: list[LabelledQuestion], embedder: Embedder, seed: int
) -> Iterator[SpanExample]:
    """-> one of each question whose answer stands in its passage, or that nothing answers; the other texts do not hold the answer."""
    rng = random.Random(seed)
    for q, near in near_of(chunks, asked, embedder):
        others = [chunks[n] for n in near if n != q.home and not (q.answer and q.answer in chunks[n].text)][:OTHERS]
        home = chunks[q.home]
        shown = [home, *rng.sample(others, min(PASSAGES - 1, len(others)))]
        start = home.search_offset(q.start)
        if q.answerable and home.search_text[start : start + len(q.answer)] == q.answer:
            yield SpanExample(q.question, tuple(c.search_text for c in shown), (start, start + len(q.answer)))
        elif q.answerable is False:
            yield SpanExample(q.question, tuple(c.search_text for c in shown), None)


def span_loss(model, tokenizer, batch: list[SpanExample]) -> torch.Tensor:
    """-> the mean loss: cross-entropy of the token that begins the answer, and of the one that ends it, among those of all texts read with the question, their
    first tokens standing for "nowhere" (shared normalization: Clark & Gardner, ACL 2018)."""
    rows = [(n, text) for n, example in enumerate(batch) for text in example.texts]
    inputs, within = encode_pairs(tokenizer, [batch[n].question for n, _ in rows], [text for _, text in rows])
    out = model(**inputs.to(model.device))
    losses, at = [], 0
    for example in batch:
        own = range(at, at + len(example.texts))
        at += len(example.texts)
        for logits, side in ((out.start_logits, 0), (out.end_logits, 1)):
            scores = torch.cat(
                [
                    torch.stack([logits[row, 0] for row in own]),
                    *(logits[row, [n for n, _ in within[row]]] for row in own),
                ]
            ).float()
            target = scores[: len(own)].logsumexp(0)
            if example.span:
                hit = _token(within[own[0]], example.span, side)
                if hit is None:  # cut off
                    continue
                target = logits[own[0], hit].float()
            losses.append(scores.logsumexp(0) - target)
    return torch.stack(losses).mean()


def _token(tokens: list[tuple[int, tuple[int, int]]], span: tuple[int, int], side: int) -> int | None:
    wanted = span[0] if side == 0 else span[1] - 1
    return next((n for n, (first, last) in tokens if first <= wanted < last), None)


def train_span_scorer(model: LocalModel, device: str, folders: list[Path], out: Path = SHIPPED) -> None:
    """Train on the folders' questions about documents that do not only measure, on from the cross-encoder that ships, and keep what changed in `out`.
    Raises TrainingError when none of them has an answer in the documents."""
    embedder = Embedder(model, device)
    chunks, _, asked = read_labelled_questions(folders, embedder)
    rows = list(span_examples(chunks, [q for q in asked if not held_out(q.document)], embedder, 0))
    if not any(row.span for row in rows):
        raise TrainingError("no question whose answer stands in the documents: name benches with answers")
    trained = load_span_model(model, torch.float32, attn_implementation="eager", attention_probs_dropout_prob=0.0).to(
        device
    )
    apply_delta(trained, RERANKER)
    steps = fit_span_scorer(trained, AutoTokenizer.from_pretrained(model.path, local_files_only=True), rows, EPOCHS)
    save_delta(trained, model, out, RANK)
    about = {"base": model.digest, "base_name": model.name, "licence": "CC BY-SA 4.0", "trained_on": [f.name for f in folders], "questions": len(rows),
             "answered": sum(bool(row.span) for row in rows), "epochs": EPOCHS, "steps": steps, "rank": RANK}  # fmt: skip
    write_json(out / IDENTITY_FILE, about)
    print(f"{len(rows)} questions, {steps} steps, weights in {out}")


def fit_span_scorer(
    model, tokenizer, rows: list[SpanExample], epochs: float, learning_rate: float = LEARNING_RATE
) -> int:
    """Train; -> the number of steps. The embeddings stay as they are."""
    torch.manual_seed(0)
    rng, steps = random.Random(0), int(epochs * len(rows) / BATCH)
    for parameter in model.base_model.embeddings.parameters():
        parameter.requires_grad_(False)
    head = list(model.qa_outputs.parameters())
    body = [p for p in model.base_model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": learning_rate}, {"params": head, "lr": HEAD * learning_rate}],
        weight_decay=0.01,
        fused=True,
    )
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    order: list[SpanExample] = []
    losses: list[float] = []
    model.train()
    for _ in (bar := tqdm(range(steps), desc="boundaries", unit=" steps")):
        if len(order) < BATCH:
            order = rng.sample(rows, len(rows))
        with torch.autocast(model.device.type, torch.bfloat16, enabled=computes_bfloat16(model.device.type)):
            loss = span_loss(model, tokenizer, [order.pop() for _ in range(BATCH)])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(body + head, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}", refresh=False)
    return steps
