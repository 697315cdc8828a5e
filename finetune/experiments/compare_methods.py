"""Every method of fine-tuning on the same rows for the same number of steps.

For each: how much it trains, how long and in how much memory, what it learns, and whether its adapter can be served.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data.rows import TrainingRow
from finetune.experiments.clock import TrainingClock, in_own_process, peak_memory_mb
from finetune.settings import METHODS, SftSettings
from rag.core.errors import TrainingError
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import Trainer

    from finetune.generator.base_model import TrainableModel

BATCH = 2  # rows a step
COLUMNS = ("trained", "seconds", "peak MB", "loss before", "loss after", "F1 before", "F1 after", "served")
ROW = "{:14}" + "{:>12}" * len(COLUMNS)


@dataclass(frozen=True)
class MethodTrial:
    """One method's trial.

    trained: share of the parameters. seconds: of the training steps alone. loss, f1: on development rows, before and
    after. served: share of development answers that the saved adapter gives, loaded for serving, as the model in
    training did.
    """

    method: str
    trained: float
    seconds: float
    peak_mb: int
    loss: tuple[float, float]
    f1: tuple[float, float]
    served: float


def compare_methods(
    model: LocalModel,
    device: str,
    precision: str,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    steps: int,
) -> list[dict[str, Any]]:
    """Try each method that can train this base, print a table, and return the trials."""
    print(ROW.format("", *COLUMNS), flush=True)
    trials = []
    for name in METHODS:
        try:
            trial = in_own_process(try_method, name, model, device, precision, train, dev, steps)
        except TrainingError as error:
            print(f"{name:14}{error}", flush=True)
            continue
        print(table_row(trial), flush=True)
        trials.append(asdict(trial))
    return trials


def try_method(
    name: str,
    model: LocalModel,
    device: str,
    precision: str,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    steps: int,
) -> MethodTrial:
    """Train one method for that many steps. Raises TrainingError where it can't train this base."""
    from finetune.generator.base_model import load_trainable
    from finetune.generator.sft import sft_trainer
    from finetune.generator.trainer_setup import train_adapter

    base = load_trainable(model, device, precision)
    settings = SftSettings(method=name, epochs=1, batch=BATCH, start="", general=0.0, patience=99)
    clock = TrainingClock()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        trainer = sft_trainer(folder, base, train[: steps * BATCH], dev, settings)
        trainer.args.eval_steps = trainer.args.save_steps = trainer.args.max_steps = steps
        trainer.args.eval_on_start, trainer.args.load_best_model_at_end = True, False
        trainer.add_callback(clock)
        train_adapter(trainer, name, False)
        peak = peak_memory_mb()
        served = _served_share(trainer, name, base, dev, folder / "adapter")
    trained, total = trainer.model.get_nb_trainable_parameters()
    evaluations = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    losses, f1s = ((evaluations[0][key], evaluations[-1][key]) for key in ("eval_loss", "eval_f1"))
    seconds = round(clock.epoch_ends[-1] - clock.begin, 1)
    return MethodTrial(name, trained / total, seconds, peak, losses, f1s, served)


def _served_share(trainer: Trainer, name: str, base: TrainableModel, dev: Sequence[TrainingRow], folder: Path) -> float:
    from finetune.generator.adapter_folder import base_identity, write_adapter, write_identity
    from finetune.generator.callbacks import MAX_NEW_TOKENS, generate_answers
    from finetune.generator.merge import generated_texts
    from finetune.generator.peft_methods import find_method
    from rag.generation.generator import Generator

    at_question = find_method(name).at_question
    write_adapter(trainer, folder, at_question)
    write_identity(folder, base_identity(base, name, at_question))
    trainer.model.eval()
    answers = generate_answers(trainer.model, base.tokenizer, dev, getattr(trainer, "prefix_reader", None))
    wanted = [base.tokenizer.decode(answer.ids, skip_special_tokens=True) for answer in answers]
    generator = Generator(base.source, base.device, base.precision, folder)
    found = generated_texts(generator, dev, MAX_NEW_TOKENS)
    return sum(a == b for a, b in zip(wanted, found, strict=True)) / len(dev)


def table_row(trial: MethodTrial) -> str:
    """Return a row of the table that `compare_methods` prints."""
    cells = [f"{trial.trained:.2%}", f"{trial.seconds:.1f}", str(trial.peak_mb)]
    cells += [f"{value:.3f}" for value in (*trial.loss, *trial.f1)]
    return ROW.format(trial.method, *cells, f"{trial.served:.0%}")
