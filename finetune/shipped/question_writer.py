"""The question writer that ships: a LoRA adapter for the default base, trained on people's questions."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.mining.candidates import Candidate
from finetune.mining.question_prompt import prompt_for, question_prompt
from finetune.shipped.bench import read_questions
from rag.core.chunk import Chunk
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage
from rag.core.sections import ChunkSettings
from rag.core.sentences import sentence_spans
from rag.documents.chunking import chunk_document
from rag.documents.discovery import find_files
from rag.documents.document import read_document
from rag.generation.generator import Generator
from rag.labels.held_out import held_out
from rag.models.adapters import IDENTITY, read_identity
from rag.models.causal_lm import load_base
from rag.models.device import choose_device, computes_bfloat16
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTTrainer

SHIPPED = Path(__file__).parents[1] / "weights" / "writer"
STAGE = Stage("writer", "training")
EPOCHS, LEARNING_RATE, BATCH, RANK = 2, 5e-4, 8, 8
DEVELOPMENT = 1 / 40  # share of the questions that only measures the loss
SAVE_STEPS = 50

PromptAndQuestion = tuple[str, str]


def writer_prompt() -> str:
    """Return a fingerprint of the writer's prompt, which its identity must have."""
    return hashlib.sha256(question_prompt("h", "t", "s").encode()).hexdigest()[:12]


def open_writer(model: LocalModel, device: str, precision: str, adapter: Path = SHIPPED) -> Generator:
    """Open a question writer for the base model.

    adapter: a trained writer. Where it does not fit the model, the model itself writes questions after a few examples.
    """
    fits = adapter.exists() and read_identity(adapter)["base"] == model.digest
    return Generator(model, device, precision, adapter if fits else None, writer_prompt())


def human_questions(benches: Sequence[Path]) -> list[PromptAndQuestion]:
    """Return the writer's prompt and the question for each answerable question of the benches.

    Questions about held-out documents are left out. Raises TrainingError when a folder is no bench.
    """
    found = []
    for bench in benches:
        rows = [row for row in read_questions(bench) if row["answers"] and not held_out(row["document"])]
        files = find_files(bench / "documents")
        chunks = {id: chunk_document(read_document(path, id), ChunkSettings()) for path, id in files}
        for row in rows:
            start = row["start"]
            chunk = next((c for c in chunks[row["document"]] if c.start <= start < c.end), None)
            if chunk:
                prompt = _prompt(chunk, start - chunk.start, row["answers"][0])
                found.append((prompt, row["question"].strip()))
    return found


def _prompt(chunk: Chunk, start: int, answer: str) -> str:
    span = chunk.text[start : start + len(answer)]
    sentences = (sentence for sentence in sentence_spans(chunk.text) if sentence[0] <= start < sentence[1])
    sentence = next(sentences, (0, len(chunk.text)))
    return prompt_for(Candidate(chunk, sentence, start, span, "human"))


def train_writer(model: LocalModel, device: str, benches: Sequence[Path], out: Path, epochs: int = EPOCHS) -> None:
    """Train a writer on people's questions and write it to `out` with its identity.

    A killed call goes on from its last checkpoint.
    """
    from finetune.training_loop import checkpoint_folder, run_trainer

    questions = human_questions(benches)
    tokenizer, base = load_base(model, device, choose_device(device)[1])
    checkpoints = checkpoint_folder(STAGE.folder, questions, epochs, model.digest)
    trainer = _writer_trainer(tokenizer, base, _dataset(tokenizer, questions), checkpoints, device, epochs)
    run_trainer(trainer, "question writer")
    shutil.rmtree(checkpoints, ignore_errors=True)
    trainer.model.bfloat16().save_pretrained(str(out))
    (out / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    losses = [round(entry["eval_loss"], 3) for entry in trainer.state.log_history if "eval_loss" in entry]
    identity = {
        "base": model.digest,
        "base_name": model.name,
        "precision": "bfloat16",
        "prompt": writer_prompt(),
        "questions": len(questions),
        "benches": [bench.name for bench in benches],
        "development_loss": losses,
    }
    write_json(out / IDENTITY, identity)
    print(f"writer: {len(questions)} questions, development loss {losses}, saved in {out}")


def _dataset(tokenizer: PreTrainedTokenizerBase, questions: Sequence[PromptAndQuestion]) -> Dataset:
    from datasets import Dataset

    from finetune.generator.whole_sequence import IGNORED

    rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": []}
    for prompt, question in questions:
        before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        target = tokenizer(f" {question}\n", add_special_tokens=False)["input_ids"]
        rows["input_ids"].append(before + target)
        rows["labels"].append([IGNORED] * len(before) + target)
    return Dataset.from_dict(rows)


def _writer_trainer(
    tokenizer: PreTrainedTokenizerBase,
    base: PreTrainedModel,
    data: Dataset,
    checkpoints: Path,
    device: str,
    epochs: int,
) -> SFTTrainer:
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from finetune.generator.base_model import cast_adapter_to_float32
    from finetune.generator.whole_sequence import score_labels_only

    score_labels_only()
    split = data.train_test_split(DEVELOPMENT, seed=0)
    trainer = SFTTrainer(
        base,
        SFTConfig(**_arguments(checkpoints, device, epochs)),
        train_dataset=split["train"],
        eval_dataset=split["test"],
        processing_class=tokenizer,
        peft_config=LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    cast_adapter_to_float32(trainer.model)
    return trainer


def _arguments(checkpoints: Path, device: str, epochs: int) -> dict[str, Any]:
    return {
        "output_dir": str(checkpoints),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": BATCH,
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 10,
        "max_length": None,
        "bf16": computes_bfloat16(device),
        "use_cpu": device == "cpu",
        "eval_strategy": "epoch",
        "save_strategy": "steps",
        "save_steps": SAVE_STEPS,
        "save_total_limit": 1,
        "gradient_checkpointing": False,
        "logging_steps": 10,
        "train_sampling_strategy": "group_by_length",
        "disable_tqdm": True,
        "report_to": [],
        "seed": 0,
    }
