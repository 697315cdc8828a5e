import pytest
import torch
from transformers import DynamicCache

from rag.generation.decoding import decode_batch, decode_one, prefill, prompt_lookup
from rag.generation.preallocated_cache import preallocated_cache


@pytest.mark.parametrize(("ids", "draft"), [
    ([1, 2, 3, 4, 9, 1, 2], [3, 4, 9, 1, 2]),
    ([7, 5, 6, 8, 5, 6, 9, 6, 5, 6], [9, 6, 5, 6]),  # the last earlier place of the longest match
    ([1, 2, 3], []),
    ([4], []),
    ([], []),
    ([3, 3], [3]),
])  # fmt: skip
def test_a_draft_is_what_followed_the_same_tokens(ids, draft):
    assert prompt_lookup(ids) == draft


@pytest.mark.parametrize("most", [1, 2, 9, 40])
@pytest.mark.parametrize("context", [[], [7, 8, 9] * 12, "own"])
def test_one_prompt_with_drafts_says_what_the_batch_loop_says(tiny_generator, most, context):
    """Whether the drafts are none, all wrong, or all right."""
    model, ends = tiny_generator.base_model, {tiny_generator.tokenizer.eos_token_id}
    for prompt in (list(range(20, 60)), [300, 301, 302], list(range(5, 90, 3))):
        with torch.inference_mode():
            expected = decode_batch(model, prefill(model, [prompt]), ends, most)[0]
            copied = [*expected.ids, *expected.ids] if context == "own" else context
            steps_seen = []
            found = decode_one(
                model,
                prefill(model, [prompt]),
                copied,
                ends,
                most,
                lambda ids, steps_seen=steps_seen: steps_seen.append(list(ids)),
            )
        assert found.ids == expected.ids and found.logprobs == pytest.approx(expected.logprobs, abs=1e-4)
        assert steps_seen[-1] == found.ids


def test_right_drafts_save_steps(tiny_generator):
    model, steps, prompt = tiny_generator.base_model, [], list(range(20, 60))
    with torch.inference_mode():
        expected = decode_batch(model, prefill(model, [prompt]), set(), 30)[0]
        count = lambda *args, **kwargs: (steps.append(1), original(*args, **kwargs))[1]  # noqa: E731
        state, original = prefill(model, [prompt]), model.forward
        model.forward = count
        try:
            decode_one(model, state, expected.ids * 2, set(), 30, lambda ids: None)
        finally:
            model.forward = original
    assert len(steps) < 15


@pytest.mark.parametrize("capacity", [10, 12, 40])
def test_a_preallocated_cache_holds_what_transformers_own_does(capacity):
    torch.manual_seed(0)
    whole, own = torch.randn(2, 2, 3, 4, capacity, 8), DynamicCache()
    for layer, (keys, values) in enumerate(whole):
        own.update(keys[:, :, :10].clone(), values[:, :, :10].clone(), layer)
    preallocated = preallocated_cache(whole, 10)
    with torch.no_grad():
        for new, crop in ((1, 0), (5, -3), (2, 0)):
            for layer in range(2):
                states = torch.randn(2, 3, 4, new, 8)
                for found, expected in zip(
                    preallocated.update(*states, layer), own.update(*states, layer), strict=True
                ):
                    assert torch.equal(found, expected)
            preallocated.crop(crop), own.crop(crop)
            assert preallocated.get_seq_length() == own.get_seq_length()


def test_gradients_flow_through_what_is_added():
    preallocated, new = (
        preallocated_cache(torch.zeros(1, 2, 1, 1, 20, 4), 3),
        torch.ones(1, 1, 2, 4, requires_grad=True),
    )
    keys, _ = preallocated.update(new, new, 0)
    keys.sum().backward()
    assert torch.equal(new.grad, torch.ones_like(new))
