"""How fast training goes, and in how much memory: on cached passages against TRL over the whole sequence."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from finetune.data.rows import PreferencePair, TrainingRow
from finetune.experiments.clock import TrainingClock, in_own_process, peak_memory_mb
from finetune.settings import DpoSettings, SftSettings
from rag.core.sections import PrefixSettings
from rag.models.resolve import LocalModel

if TYPE_CHECKING:
    from transformers import Trainer

    from finetune.generator.base_model import TrainableModel


class Variant(NamedTuple):
    """A method of training. plain: whether TRL runs as it comes, with packed weights and logits for every token."""

    stage: str
    method: str
    plain: bool


VARIANTS = {
    "sft TRL": Variant("sft", "lora", True),
    "sft lora": Variant("sft", "lora", False),
    "sft alora": Variant("sft", "alora", False),
    "dpo TRL": Variant("dpo", "lora", True),
    "dpo alora": Variant("dpo", "alora", False),
}
COLUMNS = ("1st s", "later s", "later/s", "all/s", "peak MB", "GPU MB")
ROW = "{:12}" + "{:>10}" * len(COLUMNS) + "  {}"


@dataclass(frozen=True)
class Timing:
    """What one variant took.

    first: seconds of the first epoch, with encoding the passages and the reference's scores; later: of a later epoch,
    on average. losses: development loss after each epoch. peak_mb, gpu_mb: most memory of process and GPU, in MB of
    10^6 bytes.
    """

    variant: str
    examples: int
    epochs: int
    first: float
    later: float
    losses: list[float]
    peak_mb: int
    gpu_mb: int

    @property
    def total(self) -> float:
        """Return the seconds of all epochs."""
        return self.first + self.later * (self.epochs - 1)


def time_training(
    model: LocalModel,
    device: str,
    precision: str,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    epochs: int,
    prefix: PrefixSettings,
) -> list[Timing]:
    """Time each variant in a process of its own, print a table, and return the timings."""
    print(ROW.format("", *COLUMNS, "development loss after each epoch"), flush=True)
    timings = []
    for variant in VARIANTS:
        timing = in_own_process(time_variant, variant, model, device, precision, train, dev, epochs, prefix)
        print(table_row(timing), flush=True)
        timings.append(timing)
    return timings


def time_variant(
    name: str,
    model: LocalModel,
    device: str,
    precision: str,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    epochs: int,
    prefix: PrefixSettings,
) -> Timing:
    """Train one variant with the default batch, rank and learning rate of its stage; loading is not counted."""
    import torch

    from finetune.generator.base_model import cast_adapter_to_float32, load_trainable

    variant = VARIANTS[name]
    base = load_trainable(model, device, precision, prefix, unpack=not variant.plain)
    clock = TrainingClock()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        trainer = _make_trainer(variant, Path(folder), base, train, dev, epochs)
        cast_adapter_to_float32(trainer.model)
        trainer.add_callback(clock)
        trainer.train()
    ends = [at - start for at in clock.epoch_ends]
    losses = [round(entry["eval_loss"], 4) for entry in trainer.state.log_history if "eval_loss" in entry]
    later = (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else ends[0]
    gpu = torch.cuda.max_memory_allocated() // 10**6 if device.startswith("cuda") else 0
    first = round(ends[0], 3)
    return Timing(name, len(train), len(ends), first, round(later, 3), losses, peak_memory_mb(), gpu)


def _make_trainer(
    variant: Variant,
    folder: Path,
    base: TrainableModel,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    epochs: int,
) -> Trainer:
    """Return a trainer that evaluates once an epoch, without generating answers."""
    from transformers import EarlyStoppingCallback, PrinterCallback

    from finetune.generator.callbacks import AnswerF1

    if variant.stage == "sft":
        trainer = _sft_trainer(variant, folder, base, train, dev, epochs)
    else:
        trainer = _dpo_trainer(variant, folder, base, train, dev, epochs)
    trainer.args.eval_strategy, trainer.args.save_strategy, trainer.args.load_best_model_at_end = "epoch", "no", False
    trainer.args.metric_for_best_model = None
    for callback in (EarlyStoppingCallback, PrinterCallback, AnswerF1):
        trainer.remove_callback(callback)
    if variant.plain:
        from finetune.generator.whole_sequence import score_labels_only

        score_labels_only(False)
    return trainer


def _sft_trainer(
    variant: Variant,
    folder: Path,
    base: TrainableModel,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    epochs: int,
) -> Trainer:
    from finetune.generator.sft import sft_trainer

    settings = SftSettings(method=variant.method, epochs=epochs, start="", general=0.0)
    return sft_trainer(folder, base, train, dev, settings)


def _dpo_trainer(
    variant: Variant,
    folder: Path,
    base: TrainableModel,
    train: Sequence[TrainingRow],
    dev: Sequence[TrainingRow],
    epochs: int,
) -> Trainer:
    from peft import get_peft_model

    from finetune.generator.dpo import dpo_trainer
    from finetune.generator.peft_methods import find_method

    method = find_method(variant.method)
    tuned = get_peft_model(base.model, method.make(SftSettings(), base.model))
    settings = replace(DpoSettings(), epochs=epochs)
    return dpo_trainer(folder, base, tuned, _pairs(train), _pairs(dev), settings, method.at_question)


def _pairs(rows: Sequence[TrainingRow]) -> list[PreferencePair]:
    """Return a preference pair of each row: its target, and the refusal or an undue answer."""
    from rag.generation import prompt

    rejected = [prompt.REFUSAL if row.cited else prompt.answer_text(row.answer, 1) for row in rows]
    return [PreferencePair(row, row.target, output, "made") for row, output in zip(rows, rejected, strict=True)]


def table_row(t: Timing) -> str:
    """Return a row of the table; rates are rows or pairs a second, of later epochs and of all."""
    rates = (t.examples / t.later, t.examples * t.epochs / t.total)
    cells = [f"{t.first:.1f}", f"{t.later:.1f}", *(f"{rate:.2f}" for rate in rates), t.peak_mb, t.gpu_mb]
    return ROW.format(t.variant, *cells, t.losses)


def as_json(timings: Sequence[Timing], about: dict[str, Any]) -> dict[str, Any]:
    """Return the timings, and how many times faster training on cached passages is than TRL, later and over all.

    about: further facts, such as model and device.
    """
    by_name = {timing.variant: timing for timing in timings}
    times_faster = {}
    for stage in ("sft", "dpo"):
        whole, cached = by_name[f"{stage} TRL"], by_name[f"{stage} alora"]
        later, overall = whole.later / cached.later, whole.total / cached.total
        times_faster[stage] = {"later": round(later, 1), "all": round(overall, 1)}
    return {**about, "times_faster": times_faster, "timings": [asdict(timing) for timing in timings]}
