"""The question writer that ships: a small LoRA adapter for the default base, trained on people's questions about other texts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from finetune.generator.base_model import cast_adapter_to_float32
from finetune.generator.whole_sequence import score_labels_only
from finetune.mining.candidates import Candidate
from finetune.mining.question_prompt import prompt_for, question_prompt
from finetune.shipped.bench import held_out
from rag.core.errors import TrainingError
from rag.core.sections import ChunkSettings
from rag.core.sentences import sentence_spans
from rag.documents.chunking import chunk_document
from rag.documents.discovery import find_files
from rag.documents.document import read_document
from rag.generation.generator import Generator
from rag.models.adapters import IDENTITY, read_identity
from rag.models.causal_lm import load_base
from rag.models.device import choose_device, computes_bfloat16
from rag.models.resolve import LocalModel

SHIPPED = Path(__file__).parents[1] / "weights" / "writer"


def writer_prompt() -> str:
    """-> fingerprint of the writer's own prompt."""
    return hashlib.sha256(question_prompt("h", "t", "s").encode()).hexdigest()[:12]


def open_writer(model: LocalModel, device: str, precision: str, adapter: Path = SHIPPED) -> Generator:
    """-> the shipped writer where it fits the model, else the model itself, which then is shown examples. adapter: another writer than the shipped one."""
    fits = adapter.exists() and read_identity(adapter)["base"] == model.digest
    return Generator(model, device, precision, adapter if fits else None, writer_prompt())


def human_questions(benches: list[Path]) -> list[tuple[str, str]]:
    """-> (writer's prompt, question) of each answerable question of folders in the shape of a bench (documents/, questions.jsonl), without the documents that
    only measure."""
    pairs = []
    for bench in benches:
        if not (bench / "questions.jsonl").exists():
            raise TrainingError(f"{bench} is no bench: documents/ and questions.jsonl are expected")
        chunks = {
            id: chunk_document(read_document(path, id), ChunkSettings()) for path, id in find_files(bench / "documents")
        }
        for line in (bench / "questions.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            if held_out(row["document"]):
                continue
            home = next(
                (c for c in chunks[row["document"]] if row["answers"] and c.start <= row["start"] < c.end), None
            )
            if home:
                pairs.append((_prompt(home, row["start"] - home.start, row["answers"][0]), row["question"].strip()))
    return pairs


def _prompt(home, start: int, answer: str) -> str:
    span = home.text[start : start + len(answer)]
    sentence = next(((a, b) for a, b in sentence_spans(home.text) if a <= start < b), (0, len(home.text)))
    return prompt_for(Candidate(home, sentence, start, span, "human"))


def train_writer(model: LocalModel, device: str, benches: list[Path], out: Path, epochs: int = 2) -> None:
    """Train the writer on people's questions and save it to `out` with its identity; a fortieth of them only measures the loss."""
    tokenizer, base = load_base(model, device, choose_device(device)[1])
    pairs = human_questions(benches)
    rows = {"input_ids": [], "labels": []}
    for prompt, question in pairs:
        head = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        tail = tokenizer(f" {question}\n", add_special_tokens=False)["input_ids"]
        rows["input_ids"].append(head + tail)
        rows["labels"].append([-100] * len(head) + tail)
    split = Dataset.from_dict(rows).train_test_split(1 / 40, seed=0)
    args = SFTConfig(
        output_dir=str(Path("var/runs/writer")), num_train_epochs=epochs, per_device_train_batch_size=8, learning_rate=5e-4, max_length=None,
        bf16=computes_bfloat16(device), use_cpu=device == "cpu", lr_scheduler_type="cosine", warmup_steps=10, eval_strategy="epoch", save_strategy="no",
        gradient_checkpointing=False, logging_steps=10, train_sampling_strategy="group_by_length", report_to=[], seed=0,
    )  # fmt: skip
    lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        base,
        args,
        train_dataset=split["train"],
        eval_dataset=split["test"],
        processing_class=tokenizer,
        peft_config=lora,
    )
    cast_adapter_to_float32(trainer.model)
    score_labels_only()
    trainer.train()
    trainer.model.bfloat16().save_pretrained(str(out))
    losses = [round(entry["eval_loss"], 3) for entry in trainer.state.log_history if "eval_loss" in entry]
    identity = {"base": model.digest, "base_name": model.name, "precision": "bfloat16", "prompt": writer_prompt(), "questions": len(pairs),
                "benches": [bench.name for bench in benches], "development_loss": losses}  # fmt: skip
    (out / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    (out / IDENTITY).write_text(json.dumps(identity, indent=2) + "\n")
    print(f"writer: {len(pairs)} questions, development loss {losses}, saved in {out}")
