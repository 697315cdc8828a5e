"""The registry says of each method what PEFT really does."""

import copy

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import load_file, save_file

from finetune.generator.adapter_fusion import fusion_config, load_parts
from finetune.generator.base_model import load_trainable
from finetune.generator.peft_methods import METHODS
from finetune.settings import SftSettings
from rag.core.errors import ModelError, TrainingError
from rag.models.adapter_methods import check_use, methods_table
from rag.models.resolve import find_model

IDS = torch.arange(20, 44).view(3, 8)


def settings_for(name, base, folder) -> SftSettings:
    """Return settings for a small adapter; AdapterFusion's name two bottleneck adapters in `folder`."""
    if name != "adapter-fusion":
        return SftSettings(rank=4)
    for part in ("one", "two"):
        made = get_peft_model(copy.deepcopy(base), METHODS["pfeiffer"].make(SftSettings(rank=4), base))
        made.save_pretrained(folder / part)
    return SftSettings(fuse=f"{folder / 'one'}, {folder / 'two'}")


def mixes(base, name, settings) -> bool:
    """Return whether rows of one batch get the adapter that is named for each, "__base__" for none."""
    configs = [METHODS[name].make(settings, base) for _ in range(2)]
    plain = base(IDS).logits
    tuned = get_peft_model(base, configs[0], adapter_name="first")
    tuned.add_adapter("second", configs[1])
    tuned.eval()
    torch.manual_seed(0)
    for key, weight in tuned.named_parameters():
        if "first" in key or "second" in key or key.startswith("prompt"):
            weight.data.add_(torch.randn_like(weight) * 0.3)
    alone = {"__base__": plain}
    for adapter in ("first", "second"):
        tuned.set_adapter(adapter)
        alone[adapter] = tuned(IDS).logits
    names = ["second", "__base__", "first"]
    assert not torch.allclose(alone["first"], alone["second"], atol=1e-3)
    mixed = tuned(IDS, adapter_names=names).logits
    wanted = torch.stack([alone[name][n] for n, name in enumerate(names)])
    return mixed.shape == wanted.shape and torch.allclose(mixed, wanted, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
@torch.no_grad()
def test_a_method_mixes_in_a_batch_where_the_registry_says_so(tiny_model, tmp_path, name):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32").model
    try:
        found = mixes(base, name, settings_for(name, base, tmp_path))
    except (ValueError, TypeError, RuntimeError):  # refused, or rows with virtual tokens are longer than those without
        found = False
    assert found == METHODS[name].facts.mix


def test_a_use_that_a_method_has_not_is_refused_with_one_that_has_it():
    check_use("lora", "merge", "var/x")
    with pytest.raises(ModelError, match=r"^var/x was trained with layer-norms, which cannot share.*method=lora"):
        check_use("layer-norms", "mix", "var/x")
    with pytest.raises(ModelError, match="cannot be merged"):
        check_use("a-method-of-tomorrow", "merge", "var/x")


def test_the_table_has_a_line_for_each_method():
    lines = methods_table().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*METHODS]
    assert lines[1 + [*METHODS].index("dora")].split()[1:9] == (
        ["reparameterized", "yes", "no", "no", "merged", "merged", "start", "2402.09353"]
    )


@torch.no_grad()
def test_a_fusion_adds_what_its_adapters_add_weighted_by_attention(tiny_model, tmp_path):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32").model
    settings = settings_for("adapter-fusion", base, tmp_path)
    for folder in settings.parts:
        weights = load_file(folder / "adapter_model.safetensors")
        save_file({key: torch.randn_like(w) for key, w in weights.items()}, folder / "adapter_model.safetensors")
    fused = get_peft_model(base, METHODS["adapter-fusion"].make(settings, base))
    load_parts(fused, settings.parts)
    layer = fused.base_model.model.model.layers[1].mlp.down_proj
    x = torch.randn(2, 5, 64)
    out = layer.base_layer(x)
    one, two = (part(out) for part in layer.bottleneck_adapters["default"].parts)
    assert not torch.allclose(one, two, atol=0.1)
    share = (layer(x) - out - two)[..., 0] / (one - two)[..., 0]
    assert torch.allclose(layer(x), out + share[..., None] * one + (1 - share[..., None]) * two, atol=1e-3)
    assert ((share > 0) & (share < 1)).all()
    trained = {key for key, weight in fused.named_parameters() if weight.requires_grad}
    assert trained and not any(".parts." in key for key in trained)


def test_a_fusion_needs_two_bottleneck_adapters_of_a_kind(tiny_model, tiny_adapter, tmp_path):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32").model
    settings_for("adapter-fusion", base, tmp_path)
    with pytest.raises(TrainingError, match="two or more"):
        fusion_config([tmp_path / "one"])
    with pytest.raises(TrainingError, match="is no bottleneck adapter"):
        fusion_config([tmp_path / "one", tiny_adapter])
    get_peft_model(base, METHODS["houlsby"].make(SftSettings(rank=4), base)).save_pretrained(tmp_path / "two")
    with pytest.raises(TrainingError, match="train both alike"):
        fusion_config([tmp_path / "one", tmp_path / "two"])
