"""The cross-encoder that ships: LoRA weights that make the default embedder judge whether a passage bears out a claim, or bears on a question."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset
from peft import LoraConfig
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from transformers import PrinterCallback

from finetune.data import TrainingError, read_lines
from finetune.progress import Progress
from finetune.spans import find_spans
from rag.chunking import Chunk, ChunkSettings, chunk
from rag.documents import find_files, read_document
from rag.generator import IDENTITY
from rag.grounding import sentences
from rag.lexical import Lexical
from rag.models import LocalModel, computes_bfloat16
from rag.reranker import LONGEST, SHIPPED
from rag.scoring import normalize, token_f1

RANK = 16
HELD_OUT = 10  # one document in so many only measures


@dataclass(frozen=True)
class Pair:
    """left: a question, or a question and an answer to it. label: whether `right`, a passage, answers the one and bears out the other."""

    left: str
    right: str
    label: int
    kind: str


def claims(bench: Path, rng: random.Random) -> tuple[list[Pair], list[Pair]]:
    """-> pairs to train on, and those of the held-out documents, from people's answered questions: the answer with its own passage; a wrong span of that
    passage; the right answer with a passage that BM25 takes for the right one and that lacks the answer; the question alone with both."""
    if not (bench / "questions.jsonl").exists():
        raise TrainingError(f"{bench} is no bench: documents/ and questions.jsonl are expected")
    chunks = [c for path, id in find_files(bench / "documents") for c in chunk(read_document(path, id), ChunkSettings())]
    search, train, held = Lexical(chunks), [], []
    for row in read_lines(bench / "questions.jsonl"):
        home = next((c for c in chunks if row["answers"] and c.document == row["document"] and c.start <= row["start"] < c.end), None)
        if home:
            digest = hashlib.sha256(row["document"].encode()).digest()[0]
            (held if digest % HELD_OUT == 0 else train).extend(_pairs(row["question"].strip(), row["answers"], home, _near(row, home, chunks, search), rng))
    return train, held


def _near(row: dict, home: Chunk, chunks: list[Chunk], search: Lexical) -> Chunk | None:
    """-> the best passage by BM25 that is not the right one and holds no right answer."""
    found = (chunks[i] for i, _ in search.search(row["question"], 6))
    return next((c for c in found if c != home and not any(normalize(a) in normalize(c.text) for a in row["answers"])), None)


def _pairs(question: str, answers: list[str], home: Chunk, near: Chunk | None, rng: random.Random) -> list[Pair]:
    claim, text = f"{question} {answers[0]}", rng.choice([home.searched, home.searched, _sentence(home, answers)])
    found = [Pair(claim, text, 1, "right answer")]
    wrong = [span for _, _, span in find_spans(home.text) if token_f1(span, answers) < 0.5]
    if wrong:
        found.append(Pair(f"{question} {rng.choice(wrong)}", text, 0, "wrong span"))
    if near:
        found.append(Pair(claim, near.searched, 0, "other passage"))
        found.append(rng.choice([Pair(question, text, 1, "question, right passage"), Pair(question, near.searched, 0, "question, other passage")]))
    return found


def _sentence(home: Chunk, answers: list[str]) -> str:
    """-> the sentence that holds the answer: citations may be as short as that."""
    spans = [home.text[s:e] for s, e in sentences(home.text)]
    return next((s for s in spans if answers[0] in s), home.text)


def train_cross_encoder(model: LocalModel, device: str, benches: list[Path], out: Path = SHIPPED, epochs: int = 2) -> None:
    """Train on `benches` and save the LoRA weights to `out` with their identity and the share of held-out pairs judged rightly."""
    rng, train, held = random.Random(0), [], []
    for bench in benches:
        more, measured = claims(bench, rng)
        train, held = train + more, held + measured
    encoder = CrossEncoder(str(model.path), device=device, local_files_only=True, num_labels=1, max_length=LONGEST)
    encoder.add_adapter(LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=["query", "key", "value", "dense"], modules_to_save=["classifier"]))
    args = CrossEncoderTrainingArguments(
        output_dir="var/runs/cross-encoder", num_train_epochs=epochs, per_device_train_batch_size=32, learning_rate=1e-3, warmup_steps=10,
        lr_scheduler_type="cosine", bf16=computes_bfloat16(device), use_cpu=device == "cpu", save_strategy="no", logging_steps=5, report_to=[],
        seed=0, disable_tqdm=True,
    )  # fmt: skip
    columns = {"left": [p.left for p in train], "right": [p.right for p in train], "label": [float(p.label) for p in train]}
    trainer = CrossEncoderTrainer(encoder, args, train_dataset=Dataset.from_dict(columns), loss=BinaryCrossEntropyLoss(encoder))
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Progress("cross-encoder"))
    trainer.train()
    measured = accuracy(encoder, held)
    encoder.transformers_model.bfloat16().save_pretrained(str(out))
    identity = {"base": model.digest, "base_name": model.name, "pairs": len(train), "data": [b.resolve().name for b in benches], "held_out": measured}
    (out / IDENTITY).write_text(json.dumps(identity, indent=2))
    print(f"cross-encoder in {out}: {len(train)} pairs; rightly judged of the held-out ones: {measured}")


def accuracy(encoder: CrossEncoder, pairs: list[Pair]) -> dict[str, str]:
    """-> by kind of pair: how many are judged rightly at a probability of one half."""
    scores = encoder.predict([(p.left, p.right) for p in pairs], show_progress_bar=False)
    found: dict[str, list[bool]] = {}
    for pair, score in zip(pairs, scores, strict=True):
        found.setdefault(pair.kind, []).append((score >= 0.5) == bool(pair.label))
    return {kind: f"{sum(right)} of {len(right)}" for kind, right in sorted(found.items())}
