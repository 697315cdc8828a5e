"""Every method of fine-tuning on the same rows for the same number of steps: what it trains, how long and in how much memory, what it learns, and that
its adapter can be served."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finetune.data.rows import TrainingRow
from finetune.experiments.clock import Clock, alone, peak_mb
from rag.core.errors import TrainingError
from rag.models.resolve import LocalModel

HEADER = f"{'':14}{'trained':>9}{'seconds':>9}{'peak MB':>9}{'loss before':>13}{'after':>8}{'F1 before':>11}{'after':>8}{'served':>9}"


@dataclass(frozen=True)
class Trial:
    """trained: share of the parameters. seconds: of the steps alone. loss, f1: on development rows before and after.
    served: share of development answers that the saved adapter, loaded for serving, gives as the trainer's model did."""

    method: str
    trained: float
    seconds: float
    peak_mb: int
    loss: tuple[float, float]
    f1: tuple[float, float]
    served: float


def compare_methods(
    model: LocalModel, device: str, precision: str, train: list[TrainingRow], dev: list[TrainingRow], steps: int
) -> list[dict[str, Any]]:
    """-> a trial of each method that can train this base."""
    from finetune.generator.peft_methods import METHODS

    found = []
    for name in METHODS:
        try:
            found.append(alone(attempt, name, model, device, precision, train, dev, steps))
        except TrainingError as error:
            print(f"{name:14}{error}", flush=True)
            continue
        print(line(found[-1]), flush=True)
    return [asdict(trial) for trial in found]


def attempt(
    name: str,
    model: LocalModel,
    device: str,
    precision: str,
    train: list[TrainingRow],
    dev: list[TrainingRow],
    steps: int,
) -> Trial:
    """Train one method for that many steps. Raises TrainingError where it can't train this base."""
    from finetune.generator.base_model import load_trainable
    from finetune.generator.sft import sft_trainer
    from finetune.generator.trainer_setup import train_adapter
    from finetune.settings import SftSettings

    base = load_trainable(model, device, precision)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        settings = SftSettings(method=name, epochs=1, batch=2, start="", general=0.0)
        trainer = sft_trainer(folder, base, train[: steps * settings.batch], dev, replace(settings, patience=99))
        trainer.args.eval_steps = trainer.args.save_steps = trainer.args.max_steps = steps
        trainer.args.eval_on_start, trainer.args.load_best_model_at_end = True, False
        clock = Clock()
        trainer.add_callback(clock)
        train_adapter(trainer, name, False)
        peak = peak_mb()
        served = _served(trainer, name, base, dev, folder / "adapter")
        trained, total = trainer.model.get_nb_trainable_parameters()
    looks = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    losses, f1s = ((looks[0][key], looks[-1][key]) for key in ("eval_loss", "eval_f1"))
    return Trial(name, trained / total, round(clock.ends[-1] - clock.begin, 1), peak, losses, f1s, served)


def _served(trainer: Any, name: str, base: Any, dev: list[TrainingRow], folder: Path) -> float:
    from finetune.generator.adapter_folder import base_identity, write_adapter
    from finetune.generator.callbacks import MAX_NEW_TOKENS, generate_answers
    from finetune.generator.peft_methods import find_method
    from rag.generation import prompt
    from rag.generation.generator import Generator
    from rag.models.adapters import IDENTITY

    write_adapter(trainer, folder, at_question=find_method(name).at_question)
    (folder / IDENTITY).write_text(json.dumps(base_identity(base, name, find_method(name).at_question)))
    trainer.model.eval()
    trained = generate_answers(trainer.model, base.tokenizer, dev, getattr(trainer, "prefix_reader", None))
    wanted = [base.tokenizer.decode(s.ids, skip_special_tokens=True) for s in trained]
    generator = Generator(base.source, base.device, base.precision, folder)
    prompts = [prompt.render(base.tokenizer, row.question, list(row.passages)) for row in dev]
    said = [g.text for at in range(0, len(dev), 8) for g in generator.generate(prompts[at : at + 8], MAX_NEW_TOKENS)]
    return sum(a == b for a, b in zip(wanted, said, strict=True)) / len(dev)


def line(t: Trial) -> str:
    """-> a row of the table."""
    figures = f"{t.loss[0]:13.3f}{t.loss[1]:8.3f}{t.f1[0]:11.3f}{t.f1[1]:8.3f}{t.served:9.0%}"
    return f"{t.method:14}{t.trained:9.2%}{t.seconds:9.1f}{t.peak_mb:9}{figures}"
