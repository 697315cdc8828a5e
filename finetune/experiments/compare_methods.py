"""Every method of fine-tuning on the same rows for the same number of steps.

For each: how much it trains, how long and in how much memory, what it learns, what it forgets, and where it can serve.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.rows import TrainingRow
from finetune.experiments.clock import TrainingClock, in_own_process, peak_memory_mb
from finetune.settings import SftSettings
from rag.core.errors import TrainingError
from rag.models.adapter_methods import METHODS, Use
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import Trainer

    from finetune.generator.base_model import TrainableModel

FIGURES = ("trained", "seconds", "peak MB", "loss", "F1", "refusal F1", "perplexity", "served")
USES: tuple[Use, ...] = ("merge", "mix", "vllm", "llama_cpp")
ROW = "{:17}{:>8}{:>9}{:>9}{:>16}{:>16}{:>12}{:>16}{:>8}" + "{:>11}" * len(USES)


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

    trained: share of the parameters. seconds: of the training steps alone. loss, f1, perplexity: before and after, the
    first two on development rows. refusal_f1: of the refusal as a class, on these. served: share of development answers
    that the saved adapter gives, loaded for serving, as the model in training did. uses: as the registry says.
    """

    method: str
    trained: float
    seconds: float
    peak_mb: int
    loss: tuple[float, float]
    f1: tuple[float, float]
    refusal_f1: float
    perplexity: tuple[float, float]
    served: float
    uses: dict[str, str]


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
    """Yield an attempt for each method; before AdapterFusion two adapters, each on half of the rows, that it joins."""
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
    """Train one method for that many steps. Raises TrainingError where it can't train this base."""
    from finetune.experiments.perplexity import perplexity
    from finetune.generator.base_model import load_trainable
    from finetune.generator.sft import finish_training, sft_trainer
    from finetune.generator.trainer_setup import train_adapter

    base = load_trainable(comparison.model, comparison.device, comparison.precision)
    before = perplexity(base.model, base.tokenizer, comparison.text)
    epochs = -(-comparison.steps * comparison.batch // len(attempt.train))
    settings = SftSettings(
        method=attempt.method,
        epochs=epochs,
        batch=comparison.batch,
        start="",
        general=0.0,
        patience=99,
        fuse=attempt.fuse,
    )
    clock = TrainingClock()
    trainer = sft_trainer(attempt.keep, base, attempt.train, comparison.dev, settings)
    trainer.args.eval_steps = trainer.args.save_steps = trainer.args.max_steps = comparison.steps
    trainer.args.eval_on_start, trainer.args.load_best_model_at_end = True, False
    trainer.add_callback(clock)
    train_adapter(trainer, attempt.label, False)
    peak = peak_memory_mb()
    evaluations = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    losses, f1s = ((evaluations[0][key], evaluations[-1][key]) for key in ("eval_loss", "eval_f1"))
    finish_training(trainer, settings)
    trained, total = trainer.model.get_nb_trainable_parameters()
    # Where there is no question, an adapter that acts from the question on is off.
    off = METHODS[attempt.method].at_question
    after = before if off else perplexity(trainer.model, base.tokenizer, comparison.text)
    texts, served = _answers(trainer, attempt, base, comparison.dev)
    return MethodTrial(
        attempt.label,
        trained / total,
        round(clock.epoch_ends[-1] - clock.begin, 1),
        peak,
        losses,
        f1s,
        refusal_f1(comparison.dev, texts),
        (before, after),
        served,
        {use: METHODS[attempt.method].serves(use) for use in USES},
    )


def _answers(
    trainer: Trainer, attempt: Attempt, base: TrainableModel, dev: Sequence[TrainingRow]
) -> tuple[list[str], float]:
    """Return the answers of the saved adapter, and the share of them that are as the model in training gave them."""
    from finetune.generator.adapter_folder import base_identity, write_adapter, write_identity
    from finetune.generator.callbacks import MAX_NEW_TOKENS, generate_answers
    from finetune.generator.merge import generated_texts
    from rag.generation.generator import Generator

    at_question = METHODS[attempt.method].at_question
    write_adapter(trainer, attempt.keep, at_question)
    write_identity(attempt.keep, base_identity(base, attempt.method, at_question))
    trainer.model.eval()
    answers = generate_answers(trainer.model, base.tokenizer, dev, getattr(trainer, "prefix_reader", None))
    wanted = [base.tokenizer.decode(answer.ids, skip_special_tokens=True) for answer in answers]
    generator = Generator(base.source, base.device, base.precision, attempt.keep)
    found = generated_texts(generator, dev, MAX_NEW_TOKENS)
    return found, sum(a == b for a, b in zip(wanted, found, strict=True)) / len(dev)


def refusal_f1(rows: Sequence[TrainingRow], texts: Sequence[str]) -> float:
    """Return the F1 of the refusal as a class: what would be shown for each text against each row's label."""
    from finetune.generator.callbacks import shown_answer

    refused = [shown_answer(row, text).refused for row, text in zip(rows, texts, strict=True)]
    right = sum(no and not row.cited for row, no in zip(rows, refused, strict=True))
    wanted = sum(not row.cited for row in rows)
    return 2 * right / max(1, sum(refused) + wanted)


def table_row(trial: MethodTrial) -> str:
    """Return a row of the table that `compare_methods` prints."""
    cells = [f"{trial.trained:.2%}", f"{trial.seconds:.1f}", str(trial.peak_mb)]
    cells += [f"{before:.3f} > {after:.3f}" for before, after in (trial.loss, trial.f1)]
    cells += [f"{trial.refusal_f1:.3f}", "{:.2f} > {:.2f}".format(*trial.perplexity), f"{trial.served:.0%}"]
    return ROW.format(trial.method, *cells, *trial.uses.values())
