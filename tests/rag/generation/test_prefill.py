from types import SimpleNamespace

import pytest
import torch

from finetune.generator.base_model import load_trainable
from rag.core.sections import PrefixSettings
from rag.generation.kv_cache import PrefixCache
from rag.generation.rope import key_rotation, uses_rope
from rag.models.resolve import find_model


def tensor(n=1):
    return torch.zeros(n * 25)  # 100 bytes each


def keep(cache, *names):
    for name in names:
        cache.put(("m", name), tensor())
        cache.release(("m", name))


def held(cache):
    """Return which of the numbers 1 to 9 are kept."""
    return [n for n in range(10) if ("m", (n,)) in cache]


def test_the_one_unused_for_longest_goes_first():
    cache = PrefixCache(300)
    keep(cache, (1,), (2,), (3,))
    assert cache.take(("m", (1,))) is not None
    cache.release(("m", (1,)))
    keep(cache, (4,))
    assert held(cache) == [1, 3, 4] and cache.memory_used == 300


def test_what_is_in_use_stays_and_a_newcomer_is_then_not_kept():
    cache = PrefixCache(200)
    keep(cache, (1,), (2,))
    cache.take(("m", (1,)))
    cache.take(("m", (1,)))
    cache.release(("m", (1,)))
    keep(cache, (3,), (4,))
    assert held(cache) == [1, 4]
    cache.take(("m", (4,)))
    cache.put(("m", (5,)), tensor())
    assert ("m", (5,)) not in cache and cache.memory_used == 200
    cache.clear()
    assert held(cache) == [1, 4]
    cache.release(("m", (1,)))
    cache.clear()
    assert held(cache) == [4] and cache.memory_used == 100


def test_one_larger_than_the_budget_throws_nothing_out():
    cache = PrefixCache(200)
    keep(cache, (1,))
    cache.put(("m", (2,)), tensor(3))
    assert held(cache) == [1]


def test_what_has_no_room_in_memory_goes_to_a_file_that_leaves_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cache, numbers = PrefixCache(100, disk_budget=100), torch.arange(50, dtype=torch.bfloat16)
    cache.put(("m", (1,)), tensor())
    cache.put(("m", (2,)), numbers)
    cache.put(("m", (3,)), tensor())
    assert held(cache) == [1, 2] and (cache.memory_used, cache.disk_used) == (100, 100)
    found = cache.take(("m", (2,)))
    assert found.dtype == torch.bfloat16 and torch.equal(found, numbers) and not list(tmp_path.rglob("prefixes/*"))
    for key in ((1,), (2,), (2,)):
        cache.release(("m", key))
    keep(cache, (4,))
    assert held(cache) == [2, 4]  # a newcomer takes the place in memory of what is idle there
    cache.clear()
    assert (cache.memory_used, cache.disk_used, held(cache)) == (0, 0, [])


@pytest.mark.parametrize("other", [("n", (1, 2)), ("m", (1, 3)), ("m", (1,))])
def test_another_model_precision_or_token_is_another_entry(other):
    cache = PrefixCache(10**6)
    keep(cache, (1, 2))
    assert cache.take(other) is None and cache.take(("m", (1, 2))) is not None


def test_kept_keys_and_values_are_the_models_own(tiny_generator):
    short, long = tuple(range(5, 15)), tuple(range(20, 50))
    with tiny_generator.prefix_reader.read([(short,), (long,), (short,)]) as prefix:
        cache, mask = prefix.cache, prefix.mask
        assert prefix.start[:, 0].tolist() == [10, 30, 10] and mask.sum(1).tolist() == [10, 30, 10]
        with torch.no_grad():
            alone = tiny_generator.base_model(input_ids=torch.tensor([short]), use_cache=True).past_key_values
        for layer, expected in zip(cache.layers, alone.layers, strict=True):
            for n in (0, 2):
                assert torch.allclose(layer.keys[n, :, 20:], expected.keys[0], atol=1e-5)
                assert torch.allclose(layer.values[n, :, 20:], expected.values[0], atol=1e-5)


def test_moved_keys_are_those_of_the_other_position(tiny_generator):
    def read(start):
        positions = torch.arange(start, start + 12)[None]
        return tiny_generator.base_model(input_ids=torch.arange(60, 72)[None], position_ids=positions, use_cache=True)

    with torch.no_grad():
        here, there = (read(start).past_key_values.layers for start in (10, 40))
    move = key_rotation(tiny_generator.base_model.base_model)
    for layer, expected in zip(here, there, strict=True):
        assert torch.allclose(move(layer.keys, 30), expected.keys, atol=1e-5) and torch.allclose(
            move(expected.keys, -30), layer.keys, atol=1e-5
        )
        assert not torch.allclose(layer.keys, expected.keys, atol=1e-2)


@pytest.mark.parametrize(
    ("frequencies", "head_dim", "more", "can"),
    [(8, 16, {}, True), (4, 16, {}, False), (None, 16, {}, False), (8, 16, {"rotary_emb_local": 1}, False)],
)
def test_where_positions_are_not_one_rotation_of_whole_keys_passages_are_read_jointly(frequencies, head_dim, more, can):
    rotary = {"rotary_emb": SimpleNamespace(inv_freq=torch.ones(frequencies))} if frequencies else {}
    assert (
        uses_rope(
            SimpleNamespace(
                config=SimpleNamespace(hidden_size=64, num_attention_heads=64 // head_dim), **rotary, **more
            )
        )
        is can
    )


def test_training_uses_block_attention_by_default_and_a_base_alone_does_not(tiny_model, tiny_generator):
    model = find_model(str(tiny_model))
    assert (
        load_trainable(model, "cpu", "float32").prefix.apart
        and not load_trainable(model, "cpu", "float32", PrefixSettings(apart=False)).prefix.apart
    )
    assert not tiny_generator.block_attention


def test_passages_in_block_attention_see_the_instructions_and_themselves_alone(tiny_generator):
    """Each as if it were the only one, with its keys moved to where it stands."""
    head, one, two = tuple(range(5, 15)), tuple(range(20, 50)), tuple(range(60, 72))
    alone = lambda ids: tiny_generator.base_model(input_ids=torch.tensor([ids]), use_cache=True).past_key_values.layers  # noqa: E731
    with tiny_generator.prefix_reader.read([(head, one, two), (head, two)]) as prefix, torch.no_grad():
        assert prefix.start[:, 0].tolist() == [52, 22]
        for layer, first, second in zip(prefix.cache.layers, alone(head + one), alone(head + two), strict=True):
            moved = key_rotation(tiny_generator.base_model.base_model)(second.keys[0, :, 10:], 30)
            assert torch.allclose(layer.keys[0], torch.cat([first.keys[0], moved], 1), atol=1e-5)
            assert torch.allclose(layer.values[0], torch.cat([first.values[0], second.values[0, :, 10:]], 1), atol=1e-5)
            assert torch.allclose(layer.keys[1, :, 30:], second.keys[0], atol=1e-5)


def test_a_passage_in_block_attention_is_encoded_once_wherever_it_stands(tiny_generator):
    head, passages = tuple(range(100, 110)), [tuple(range(n, n + 9)) for n in (120, 140, 160)]
    before = tiny_generator.prefix_reader.computed
    with tiny_generator.prefix_reader.read([(head, passages[0], passages[1]), (head, passages[1], passages[0])]):
        pass
    with tiny_generator.prefix_reader.read([(head, passages[2], passages[0])]):
        pass
    assert tiny_generator.prefix_reader.computed - before == 4
