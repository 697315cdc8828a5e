"""Every method of fine-tuning on the same rows for the same number of steps.

For each: how much it trains, how long and in how much memory, what it learns, what it forgets, and where it can serve.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, Trainer

from finetune.data.rows import TrainingRow
from finetune.experiments.clock import TrainingClock, in_own_process, peak_memory_mb
from finetune.experiments.perplexity import perplexity
from finetune.generator.adapter_folder import base_identity, write_adapter, write_identity
from finetune.generator.base_model import TrainableModel, load_trainable
from finetune.generator.callbacks import MAX_NEW_TOKENS, AnswerF1, shown_answer
from finetune.generator.merge import generated_texts
from finetune.generator.sft import finish_training, sft_trainer
from finetune.generator.trainer_setup import train_adapter
from finetune.settings import SftSettings
from rag.core.errors import TrainingError
from rag.generation.generator import Generator
from rag.models.adapter_methods import METHODS, Use
from rag.models.resolve import LocalModel

FIGURES = ("trained", "seconds", "peak MB", "loss", "F1", "refusal F1", "perplexity", "served")
USES: tuple[Use, ...] = ("merge", "mix", "vllm", "llama_cpp")
ROW = "{:17}" + "{:>11}" * (len(FIGURES) + len(USES))
BASE = "base"


@dataclass(frozen=True)
class Comparison:
    """What all methods are tried on.

    steps, batch: training steps, and rows a step. text: of another domain, to measure forgetting on.
    """

    model: LocalModel
    device: str
    precision: str
    train: Sequence[TrainingRow]
    dev: Sequence[TrainingRow]
    steps: int
    batch: int
    text: str


@dataclass(frozen=True)
class Attempt:
    """A method and its rows. label: of its line. keep: the folder of its adapter. fuse: as in SftSettings."""

    label: str
    method: str
    train: Sequence[TrainingRow]
    keep: Path
    fuse: str = ""


@dataclass(frozen=True)
class MethodTrial:
    """One method's trial.

    trained: share of the parameters. seconds: of the training steps alone. loss, f1: of development rows. refusal_f1:
    of the refusal as a class, on these. perplexity: of other text. served: share of development answers that the saved
    adapter gives, loaded for serving, as the model in training did. uses: as the registry says; empty for the base.
    """

    method: str
    trained: float
    seconds: float
    peak_mb: int
    loss: float
    f1: float
    refusal_f1: float
    perplexity: float
    served: float
    uses: dict[Use, str]


def compare_methods(comparison: Comparison, methods: Sequence[str]) -> list[dict[str, Any]]:
    """Try each method that can train this base, print a table, and return the trials."""
    print(ROW.format("", *FIGURES, *USES), flush=True)
    trials = []
    with tempfile.TemporaryDirectory() as folder:
        for attempt in plan_attempts(comparison, methods, Path(folder)):
            try:
                trial = in_own_process(try_method, attempt, comparison)
            except TrainingError as error:
                print(f"{attempt.label:17}{error}", flush=True)
                continue
            print(table_row(trial), flush=True)
            trials.append(asdict(trial))
    return trials


def plan_attempts(comparison: Comparison, methods: Sequence[str], folder: Path) -> Iterator[Attempt]:
    """Yield an attempt for each method, the base before all others.

    Before AdapterFusion come two adapters that it joins, each trained on half of the rows.
    """
    yield Attempt(BASE, "lora", comparison.train, folder / BASE)
    for name in methods:
        fuse = []
        if name == "adapter-fusion":
            half = len(comparison.train) // 2
            for label, rows in (("first half", comparison.train[:half]), ("second half", comparison.train[half:])):
                part = Attempt(f"pfeiffer, {label[:-5]}", "pfeiffer", rows, folder / label)
                fuse.append(str(part.keep))
                yield part
        yield Attempt(name, name, comparison.train, folder / name, ",".join(fuse))


def try_method(attempt: Attempt, comparison: Comparison) -> MethodTrial:
    """Train one method for that many steps; for the base a LoRA adapter stays as it starts, and adds nothing.

    Raises TrainingError where the method can't train this base.
    """
    base = load_trainable(comparison.model, comparison.device, comparison.precision)
    epochs = -(-comparison.steps * comparison.batch // len(attempt.train))
    settings = SftSettings(
        method=attempt.method, epochs=epochs, batch=comparison.batch, start="", general=0.0, fuse=attempt.fuse
    )
    trainer = sft_trainer(attempt.keep, base, attempt.train, comparison.dev, settings)
    seconds = _train(trainer, attempt, comparison, settings)
    peak = peak_memory_mb()
    trained, total = trainer.model.get_nb_trainable_parameters()
    figures = trainer.evaluate()
    # Where there is no question, an adapter that acts from the question on is off.
    plain = base.model if METHODS[attempt.method].at_question else trainer.model
    with trainer.model.disable_adapter() if plain is base.model else nullcontext():
        forgetting = perplexity(plain, base.tokenizer, comparison.text)
    texts, served = _served_texts(trainer, attempt, base, comparison.dev)
    return MethodTrial(
        attempt.label,
        trained / total if attempt.label != BASE else 0.0,
        seconds,
        peak,
        figures["eval_loss"],
        figures["eval_f1"],
        refusal_f1(comparison.dev, texts),
        forgetting,
        served,
        {use: METHODS[attempt.method].serves(use) for use in USES} if attempt.label != BASE else {},
    )


def _train(trainer: Trainer, attempt: Attempt, comparison: Comparison, settings: SftSettings) -> float:
    """Train for as many steps as the comparison says, and return the seconds."""
    if attempt.label == BASE:
        return 0.0
    clock = TrainingClock()
    trainer.args.eval_strategy = trainer.args.save_strategy = "no"
    trainer.args.max_steps, trainer.args.load_best_model_at_end = comparison.steps, False
    trainer.pop_callback(EarlyStoppingCallback)
    trainer.add_callback(clock)
    train_adapter(trainer, attempt.label, False)
    finish_training(trainer, settings)
    return round(clock.epoch_ends[-1] - clock.begin, 1)


def _served_texts(
    trainer: Trainer, attempt: Attempt, base: TrainableModel, dev: Sequence[TrainingRow]
) -> tuple[list[str], float]:
    """Return the answers of the saved adapter, and the share of them that are as the model in training gave them."""
    at_question = METHODS[attempt.method].at_question
    write_adapter(trainer, attempt.keep, at_question)
    write_identity(attempt.keep, base_identity(base, attempt.method, at_question))
    generator = Generator(base.source, base.device, base.precision, attempt.keep)
    found = generated_texts(generator, dev, MAX_NEW_TOKENS)
    wanted = next(each.texts for each in trainer.callback_handler.callbacks if isinstance(each, AnswerF1))
    return found, sum(a == b for a, b in zip(wanted, found, strict=True)) / len(dev)


def refusal_f1(rows: Sequence[TrainingRow], texts: Sequence[str]) -> float:
    """Return the F1 of the refusal as a class: what would be shown for each text against each row's label."""
    refused = [shown_answer(row, text).refused for row, text in zip(rows, texts, strict=True)]
    right = sum(no and not row.cited for row, no in zip(rows, refused, strict=True))
    wanted = sum(not row.cited for row in rows)
    return 2 * right / max(1, sum(refused) + wanted)


def table_row(trial: MethodTrial) -> str:
    """Return a row of the table that `compare_methods` prints."""
    cells = [f"{trial.trained:.2%}", f"{trial.seconds:.1f}", str(trial.peak_mb)]
    cells += [f"{value:.3f}" for value in (trial.loss, trial.f1, trial.refusal_f1)]
    cells += [f"{trial.perplexity:.2f}", f"{trial.served:.0%}"]
    return ROW.format(trial.method, *cells, *(trial.uses.get(use, "") for use in USES))
