"""One line for a training run: steps, time left, training and development loss."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback


class Progress(TrainerCallback):
    """A tqdm bar in place of the trainer's printed dictionaries."""

    def __init__(self, label: str):
        self._label, self._losses = label, {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self._label, unit=" steps")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        names = {"loss": "loss", "eval_loss": "development loss"}
        self._losses.update({names[key]: f"{value:.3f}" for key, value in (logs or {}).items() if key in names})
        self._bar.set_postfix(self._losses)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.close()
