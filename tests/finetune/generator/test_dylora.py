"""One training gives a LoRA adapter of every rank, and the smallest good one is kept."""

import torch
from peft import get_peft_model

from finetune.generator.base_model import load_trainable
from finetune.generator.dylora import RankLimit, smallest_good_rank, truncate_ranks
from finetune.generator.peft_methods import METHODS
from finetune.generator.sft import finish_training, sft_trainer
from finetune.settings import SftSettings
from rag.models.resolve import find_model
from triplets import row

IDS = torch.arange(20, 36).view(2, 8)


def tuned_model(tiny_model):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32").model
    tuned = get_peft_model(base, METHODS["dylora"].make(SftSettings(rank=8), base)).eval()
    torch.manual_seed(0)
    for weight in tuned.parameters():
        if weight.requires_grad:
            weight.data.normal_(std=0.2)
    return tuned


@torch.no_grad()
def test_a_truncated_adapter_is_the_limited_one(tiny_model):
    tuned = tuned_model(tiny_model)
    limit, whole = RankLimit(tuned), tuned(IDS).logits
    limit.rank = 3
    limited = tuned(IDS).logits
    assert not torch.allclose(limited, whole, atol=1e-2)
    limit.rank = 8
    truncate_ranks(tuned, 3)
    assert torch.allclose(tuned(IDS).logits, limited, atol=1e-5)
    assert (tuned.peft_config["default"].r, tuned.peft_config["default"].lora_alpha) == (3, 6)


def test_ranks_that_did_not_act_get_no_gradient(tiny_model):
    tuned = tuned_model(tiny_model)
    RankLimit(tuned).rank = 3
    tuned(IDS, labels=IDS).loss.backward()
    layer = tuned.base_model.model.model.layers[0].mlp.up_proj
    down, up = layer.lora_A["default"].weight.grad, layer.lora_B["default"].weight.grad
    assert down[:3].abs().min() > 0 and up[:, :3].abs().min() > 0
    assert not down[3:].any() and not up[:, 3:].any()


def test_the_smallest_rank_within_two_percent_is_chosen():
    assert smallest_good_rank({1: 1.5, 2: 1.21, 4: 1.019, 8: 1.0}) == 4
    assert smallest_good_rank({1: 0.9, 2: 1.2, 4: 1.1}) == 1


def test_the_adapter_of_all_ranks_is_kept_beside_the_chosen_one(tiny_model, tmp_path, capsys):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32")
    settings = SftSettings(method="dylora", rank=8, epochs=1, general=0.0)
    rows = [row(n) for n in range(8)]
    trainer = sft_trainer(tmp_path, base, rows, rows[:2], settings)
    trainer.train()
    finish_training(trainer, settings)
    assert "development loss by rank: 1: " in capsys.readouterr().out
    assert 'r": 8' in (tmp_path / "all-ranks/adapter_config.json").read_text()
    assert trainer.model.peft_config["default"].r in (1, 2, 4, 8)
