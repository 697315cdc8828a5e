"""What makes answering faster on a CPU changes nothing else."""

import copy
from types import SimpleNamespace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from rag.models.cpu_kernels import ATTENTION, PackedLinear, grouped_query_attention, use_cpu_kernels
from rag.models.device import computes_bfloat16


@pytest.mark.parametrize(("tokens", "kept", "masked"), [(1, 20, False), (7, 20, True), (9, 0, False)])
def test_grouped_query_attention_is_transformers_attention_to_the_bit(tokens, kept, masked):
    torch.manual_seed(0)
    query, keys, values = (
        torch.randn(2, 6, tokens, 16),
        torch.randn(2, 2, kept + tokens, 16),
        torch.randn(2, 2, kept + tokens, 16),
    )
    mask = (
        torch.ones(kept + tokens, kept + tokens, dtype=torch.bool).tril()[None, None, kept:].expand(2, -1, -1, -1)
        if masked
        else None
    )
    module = SimpleNamespace(num_key_value_groups=3, is_causal=True)
    expected, _ = sdpa_attention_forward(module, query, keys, values, mask, scaling=0.25)
    assert torch.equal(grouped_query_attention(module, query, keys, values, mask, 0.25)[0], expected)


def llama(dtype):
    torch.manual_seed(0)
    sizes = {"vocab_size": 99, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
    config = LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True)
    return LlamaForCausalLM(config).to(dtype).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_a_packed_model_computes_the_same_and_shares_what_it_shared(dtype):
    base = llama(dtype)
    shared = {
        id(p): p for layer in (base.get_input_embeddings(), base.get_output_embeddings()) for p in layer.parameters()
    }
    twin, ids = copy.deepcopy(base, shared), torch.randint(0, 99, (2, 9))
    expected = base(input_ids=ids).logits
    use_cpu_kernels([base, twin], "cpu")
    assert base.config._attn_implementation == twin.config._attn_implementation == ATTENTION
    packed = dtype == torch.float32 or computes_bfloat16("cpu")
    assert {type(m) for m in base.modules() if isinstance(m, torch.nn.Linear)} == {
        PackedLinear if packed else torch.nn.Linear
    }
    for model in (base, twin):
        torch.testing.assert_close(
            model(input_ids=ids).logits, expected, rtol=0, atol=1e-6 if dtype == torch.float32 else 2e-2
        )
    assert not packed or base.lm_head.packed is twin.lm_head.packed and base.lm_head.weight is None


def test_a_generator_whose_adapter_acts_everywhere_keeps_its_weights(tiny_model, tiny_adapter, tiny_generator):
    from rag.generation.generator import Generator
    from rag.models.resolve import find_model

    everywhere = Generator(find_model(str(tiny_model)), "cpu", "float32", tiny_adapter)
    assert (
        everywhere.base_model.config._attn_implementation
        == "sdpa"
        != tiny_generator.base_model.config._attn_implementation
        == ATTENTION
    )
