"""The registry says of each method what PEFT really does."""

import pytest
import torch
from peft import get_peft_model

from finetune.generator.base_model import load_trainable
from finetune.generator.peft_methods import METHODS
from finetune.settings import SftSettings
from rag.core.errors import ModelError
from rag.models.adapter_methods import check_use, methods_table
from rag.models.resolve import find_model

IDS = torch.arange(20, 44).view(3, 8)


def mixes(base, name) -> bool:
    """Return whether rows of one batch get the adapter that is named for each, "__base__" for none."""
    make = METHODS[name].make
    plain = base(IDS).logits
    tuned = get_peft_model(base, make(SftSettings(rank=4), base), adapter_name="first")
    tuned.add_adapter("second", make(SftSettings(rank=4), base))
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
def test_a_method_mixes_in_a_batch_where_the_registry_says_so(tiny_model, name):
    base = load_trainable(find_model(str(tiny_model)), "cpu", "float32").model
    try:
        found = mixes(base, name)
    except (ValueError, TypeError, KeyError):  # PEFT refuses it, or the base is given names that it does not know
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
