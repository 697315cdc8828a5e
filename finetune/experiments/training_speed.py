"""How fast training goes, and in how much memory: from the question on against TRL over the whole sequence, on the same rows in one run."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finetune.data.rows import PreferencePair, TrainingRow
from finetune.experiments.clock import Clock, alone, peak_mb
from finetune.generator.base_model import TrainableModel
from rag.core.sections import PrefixSettings
from rag.models.resolve import LocalModel

WAYS = {  # stage, method, and whether TRL runs as it comes: weights kept packed, every token scored
    "sft TRL": ("sft", "lora", True),
    "sft lora": ("sft", "lora", False),
    "sft alora": ("sft", "alora", False),
    "dpo TRL": ("dpo", "lora", True),
    "dpo alora": ("dpo", "alora", False),
}


@dataclass(frozen=True)
class Timing:
    """way: stage and method. first, later: seconds of the first epoch, with reading and the reference's scores, and of a usual later one.
    losses: development loss after each epoch. peak_mb: most memory of the process, 10^6 bytes; gpu_mb: of the GPU."""

    way: str
    examples: int
    epochs: int
    first: float
    later: float
    losses: list[float]
    peak_mb: int
    gpu_mb: int


def speed(
    model: LocalModel,
    device: str,
    precision: str,
    train: list[TrainingRow],
    dev: list[TrainingRow],
    epochs: int,
    prefix: PrefixSettings,
) -> list[Timing]:
    """-> a timing of each way."""
    found = []
    for way in WAYS:
        found.append(alone(measure, way, model, device, precision, train, dev, epochs, prefix))
        print(line(found[-1]), flush=True)
    return found


def measure(
    way: str,
    model: LocalModel,
    device: str,
    precision: str,
    train: list[TrainingRow],
    dev: list[TrainingRow],
    epochs: int,
    prefix: PrefixSettings,
) -> Timing:
    """Train in one way, all of them with the default batch, rank and learning rate of their stage; loading is not counted."""
    import torch

    from finetune.generator.base_model import cast_adapter_to_float32, load_trainable, score_labels_only

    stage, method, plain = WAYS[way]
    base = load_trainable(model, device, precision, prefix, unpack=not plain)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        trainer = _trainer(stage, method, Path(folder), base, train, dev, epochs)
        cast_adapter_to_float32(trainer.model)
        if not plain:
            score_labels_only()
        clock = Clock()
        trainer.add_callback(clock)
        trainer.train()
    ends = [at - start for at in clock.ends]
    losses = [round(entry["eval_loss"], 4) for entry in trainer.state.log_history if "eval_loss" in entry]
    later = (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else ends[0]
    gpu = torch.cuda.max_memory_allocated() // 10**6 if device.startswith("cuda") else 0
    return Timing(way, len(train), len(ends), round(ends[0], 3), round(later, 3), losses, peak_mb(), gpu)


def _trainer(
    stage: str,
    name: str,
    folder: Path,
    base: TrainableModel,
    train: list[TrainingRow],
    dev: list[TrainingRow],
    epochs: int,
) -> Any:
    from peft import get_peft_model
    from transformers import EarlyStoppingCallback, PrinterCallback

    from finetune.generator.callbacks import AnswerF1
    from finetune.generator.dpo import dpo_trainer
    from finetune.generator.peft_methods import find_method
    from finetune.generator.sft import sft_trainer
    from finetune.settings import DpoSettings, SftSettings

    method = find_method(name)
    if stage == "sft":
        trainer = sft_trainer(
            folder, base, train, dev, replace(SftSettings(), method=name, epochs=epochs, start="", general=0.0)
        )
    else:
        tuned = get_peft_model(base.model, method.make(SftSettings().rank))
        pairs = [[PreferencePair(row, row.target, _wrong(row), "made") for row in rows] for rows in (train, dev)]
        trainer = dpo_trainer(folder, base, tuned, *pairs, replace(DpoSettings(), epochs=epochs), method.at_question)
    trainer.args.eval_strategy, trainer.args.save_strategy, trainer.args.load_best_model_at_end = "epoch", "no", False
    trainer.args.metric_for_best_model = None
    for callback in (EarlyStoppingCallback, PrinterCallback, AnswerF1):
        trainer.remove_callback(callback)
    return trainer


def _wrong(row: TrainingRow) -> str:
    from rag.generation import prompt

    return prompt.REFUSAL if row.cited else prompt.answer_text(row.answer, 1)


def line(t: Timing) -> str:
    """-> a row of the table; rates in rows or pairs a second, over all epochs and from the second on."""
    whole = t.examples * t.epochs / (t.first + t.later * (t.epochs - 1))
    return f"{t.way:12}{t.first:10.1f}{t.later:10.1f}{t.examples / t.later:10.2f}{whole:10.2f}{t.peak_mb:9}{t.gpu_mb:8}  {t.losses}"


HEADER = f"{'':12}{'1st s':>10}{'later s':>10}{'later/s':>10}{'all/s':>10}{'peak MB':>9}{'GPU MB':>8}  development loss after each epoch"


def as_json(found: list[Timing], about: dict[str, Any]) -> dict[str, Any]:
    """-> the timings, and how many times faster than TRL training from the question on is, from the second epoch and over all."""
    by = {t.way: t for t in found}
    times = {}
    for stage in ("sft", "dpo"):
        whole, ours = by[f"{stage} TRL"], by[f"{stage} alora"]
        total = [t.first + t.later * (t.epochs - 1) for t in (whole, ours)]
        times[stage] = {"later": round(whole.later / ours.later, 1), "all": round(total[0] / total[1], 1)}
    return {**about, "times_faster": times, "timings": [asdict(t) for t in found]}
