"""Diff pruning learns a sparse change of the weights, and leaves it as a SHiRA adapter."""

import torch
from peft import get_peft_model

from finetune.generator.base_model import load_trainable
from finetune.generator.diff_pruning import MaskedDelta, as_shira
from finetune.generator.peft_methods import METHODS
from finetune.settings import SftSettings
from rag.models.resolve import find_model

IDS = torch.arange(20, 36).view(2, 8)


@torch.no_grad()
def test_the_adapter_that_is_left_computes_as_the_pruned_one(tiny_model):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32").model
    plain = base(IDS).logits
    tuned = get_peft_model(base, METHODS["diff-pruning"].make(SftSettings(rank=2), base)).eval()
    torch.manual_seed(0)
    for weight in tuned.parameters():
        if weight.requires_grad:
            weight.add_(torch.randn_like(weight))
    wanted = tuned(IDS).logits
    shira = as_shira(tuned).eval()
    assert torch.allclose(shira(IDS).logits, wanted, atol=1e-4) and not torch.allclose(plain, wanted, atol=0.1)
    assert shira.base_model.model.model.layers[0].mlp.up_proj.shira_weight["default"].shape == (2 * (32 + 64),)


def test_the_largest_changes_are_kept_and_an_entry_that_is_closed_changes_nothing():
    delta = MaskedDelta(3, 5, rank=1)
    with torch.no_grad():
        delta.change.copy_(torch.arange(15.0).view(3, 5) - 7)
        delta.log_odds[0, 0] = -9.0
    assert (delta.eval()() != 0).sum() == delta.kept == 8
    assert delta()[0, 0] == 0 and delta()[2, 4] == 7


def test_the_penalty_closes_entries():
    delta = MaskedDelta(3, 5, rank=1)
    before = delta.open_share()
    assert 0.9 < before < 1
    optimizer = torch.optim.SGD([delta.log_odds], lr=1e4)
    for _ in range(5):
        delta.open_share().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert delta.open_share() < 0.1 and not delta.train()().any()
