import pytest
import torch

from rag.prefix import PrefixCache


def tensor(n=1):
    return torch.zeros(n * 25)  # 100 bytes each


def keep(cache, *names):
    for name in names:
        cache.put(("m", name), tensor())
        cache.release(("m", name))


def held(cache):
    return [key[1] for key in cache._kept]


def test_the_one_unused_for_longest_goes_first():
    cache = PrefixCache(300)
    keep(cache, (1,), (2,), (3,))
    assert cache.take(("m", (1,))) is not None
    cache.release(("m", (1,)))
    keep(cache, (4,))
    assert held(cache) == [(3,), (1,), (4,)] and cache.size == 300


def test_what_is_in_use_stays_and_a_newcomer_is_then_not_kept():
    cache = PrefixCache(200)
    keep(cache, (1,), (2,))
    cache.take(("m", (1,)))
    cache.take(("m", (1,)))
    cache.release(("m", (1,)))
    keep(cache, (3,), (4,))
    assert held(cache) == [(1,), (4,)]
    cache.take(("m", (4,)))
    cache.put(("m", (5,)), tensor())
    assert ("m", (5,)) not in cache and cache.size == 200
    cache.clear()
    assert held(cache) == [(1,), (4,)]
    cache.release(("m", (1,)))
    cache.clear()
    assert held(cache) == [(4,)] and cache.size == 100


def test_one_larger_than_the_budget_throws_nothing_out():
    cache = PrefixCache(200)
    keep(cache, (1,))
    cache.put(("m", (2,)), tensor(3))
    assert held(cache) == [(1,)]


@pytest.mark.parametrize("other", [("n", (1, 2)), ("m", (1, 3)), ("m", (1,))])
def test_another_model_precision_or_token_is_another_entry(other):
    cache = PrefixCache(10**6)
    keep(cache, (1, 2))
    assert cache.take(other) is None and cache.take(("m", (1, 2))) is not None


def test_kept_keys_and_values_are_the_models_own(tiny_generator):
    short, long = tuple(range(5, 15)), tuple(range(20, 50))
    with tiny_generator.prefixes.read([(short,), (long,), (short,)]) as prefix:
        cache, mask = prefix.cache, prefix.mask
        assert prefix.start[:, 0].tolist() == [10, 30, 10] and mask.sum(1).tolist() == [10, 30, 10]
        with torch.no_grad():
            alone = tiny_generator._model(input_ids=torch.tensor([short]), use_cache=True).past_key_values
        for layer, wanted in zip(cache.layers, alone.layers, strict=True):
            for n in (0, 2):
                assert torch.allclose(layer.keys[n, :, 20:], wanted.keys[0], atol=1e-5)
                assert torch.allclose(layer.values[n, :, 20:], wanted.values[0], atol=1e-5)


def test_passages_read_apart_see_the_instructions_and_themselves_alone(tiny_generator):
    """Held against one forward pass in which a mask hides the passages from each other, all at the positions after the instructions."""
    head, one, two = tuple(range(5, 15)), tuple(range(20, 50)), tuple(range(60, 72))
    with tiny_generator.prefixes.read([(head, one, two), (head, two)]) as prefix:
        assert prefix.start[:, 0].tolist() == [40, 22] and prefix.mask.sum(1).tolist() == [52, 22]
        block = torch.tensor([0] * 10 + [1] * 30 + [2] * 12)
        sees = ((block[:, None] == block[None]) | (block[None] == 0)).tril()[None, None]
        position = torch.tensor([[*range(40), *range(10, 22)]])
        with torch.no_grad():
            whole = tiny_generator._model(input_ids=torch.tensor([[*head, *one, *two]]), attention_mask=sees, position_ids=position, use_cache=True)
        for layer, wanted in zip(prefix.cache.layers, whole.past_key_values.layers, strict=True):
            assert torch.allclose(layer.keys[0], wanted.keys[0], atol=1e-5) and torch.allclose(layer.values[0], wanted.values[0], atol=1e-5)
            assert torch.allclose(layer.keys[1, :, -12:], wanted.keys[0, :, -12:], atol=1e-5)


def test_a_passage_read_apart_is_read_once_wherever_it_stands(tiny_generator):
    head, passages = tuple(range(100, 110)), [tuple(range(n, n + 9)) for n in (120, 140, 160)]
    before = tiny_generator.prefixes.computed
    with tiny_generator.prefixes.read([(head, passages[0], passages[1]), (head, passages[1], passages[0])]):
        pass
    with tiny_generator.prefixes.read([(head, passages[2], passages[0])]):
        pass
    assert tiny_generator.prefixes.computed - before == 4
