"""The arguments that SFT and DPO give to transformers' Trainer."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from finetune.generator.trainer_setup import common_arguments


@pytest.mark.parametrize(("batch", "at_once"), [(8, 4), (6, 4), (5, 4), (3, 8), (1, 4), (16, 16)])
def test_a_step_takes_exactly_a_batch_whatever_fits_in_memory_together(batch, at_once):
    base = SimpleNamespace(device="cpu", model=SimpleNamespace(dtype=torch.float32))
    arguments = common_arguments(Path("x"), base, 1e-4, 2, 64, batch, at_once)
    together = arguments["per_device_train_batch_size"]
    assert together <= at_once and together * arguments["gradient_accumulation_steps"] == batch
