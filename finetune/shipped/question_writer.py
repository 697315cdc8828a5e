"""The question writer that ships: a LoRA adapter for the default base, trained on people's questions."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.mining.candidates import Candidate
from finetune.mining.filters import model_free_reason
from finetune.mining.question_prompt import prompt_for, question_prompt
from finetune.retriever.question_folders import read_labelled_questions
from finetune.shipped.question_folder import QuestionFolder
from rag.core.chunk import Chunk
from rag.core.jsonl import write_json
from rag.core.run_folder import Stage
from rag.core.sections import ModelSettings
from rag.core.sentences import sentence_spans
from rag.generation.generator import Generator
from rag.labels.held_out import held_out
from rag.models.adapters import IDENTITY, read_identity
from rag.models.causal_lm import load_base
from rag.models.device import choose_device, computes_bfloat16
from rag.models.embedder import Embedder
from rag.models.resolve import LocalModel, find_model

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTTrainer

SHIPPED = Path(__file__).parents[1] / "weights" / "writer"
STAGE = Stage("writer", "training")
EPOCHS, LEARNING_RATE, BATCH, RANK = 1, 5e-4, 8, 8
UNFIT_FILTERS = ("asks_for_another_kind",)  # of mining: nothing tells the kinds of spans that people marked
LONGEST = 12  # words of an answer that a question is learned for; mining asks for spans
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


def human_questions(folders: Sequence[QuestionFolder], embedder: Embedder) -> list[PromptAndQuestion]:
    """Return the writer's prompt and the question for people's questions such as mining wants.

    Those have a short answer, and pass mining's filters. Questions about held-out documents are left out. embedder:
    places the unanswered ones, which are left out too. Raises TrainingError for a folder without questions.
    """
    found = []
    for folder in folders:
        labelled = read_labelled_questions([folder.path], embedder)
        asked = [q for q in labelled.questions if _is_short(q.answer) and not held_out(q.document)]
        for q in random.Random(folder.path.name).sample(asked, round(folder.share * len(asked))):
            candidate = _candidate(labelled.chunks[q.chunk], q.answer_start, q.answer)
            if model_free_reason(q.question, candidate, (), UNFIT_FILTERS) is None:
                found.append((prompt_for(candidate), q.question))
    return found


def _is_short(answer: str) -> bool:
    return 0 < len(answer.split()) <= LONGEST


def _candidate(chunk: Chunk, start: int, answer: str) -> Candidate:
    sentences = (sentence for sentence in sentence_spans(chunk.text) if sentence[0] <= start < sentence[1])
    sentence = next(sentences, (0, len(chunk.text)))
    return Candidate(chunk, sentence, start, chunk.text[start : start + len(answer)], "human")


def train_writer(
    model: LocalModel, device: str, folders: Sequence[QuestionFolder], out: Path, epochs: int = EPOCHS
) -> None:
    """Train a writer on people's questions and write it to `out` with its identity.

    A killed call goes on from its last checkpoint.
    """
    from finetune.training_loop import checkpoint_folder, run_trainer

    questions = human_questions(folders, Embedder(find_model(ModelSettings.embedder), device))
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
        "trained_on": {folder.path.name: folder.share for folder in folders},
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
