import json
import shutil

import pytest
import torch

from rag.core.errors import ModelError, PromptError
from rag.generation.generator import Generator
from rag.generation.prompt import fingerprint, messages
from rag.models.adapters import read_identity
from rag.models.resolve import find_model

PROMPTS = [
    "The crane lifts",
    "Question: When does the harbour office open? " * 3,
    "a",
    "Give a short answer in their words",
    "17:00 é 日本",
]


@pytest.fixture(scope="module")
def prompts(tiny_generator):
    return [tiny_generator.tokenizer(text)["input_ids"] for text in PROMPTS]


@pytest.fixture(scope="module")
def tuned(tiny_model, tiny_adapter):
    return Generator(find_model(str(tiny_model)), "cpu", "float32", tiny_adapter)


def texts(generations):
    return [g.text for g in generations]


def test_a_batch_says_what_each_prompt_says_alone(tiny_generator, prompts):
    together = tiny_generator.generate(prompts, 24)
    alone = [tiny_generator.generate([ids], 24)[0] for ids in prompts]
    assert texts(together) == texts(alone) and len(set(texts(alone))) > 1
    for a, b in zip(together, alone, strict=True):
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-4)


def test_greedy_decoding_is_that_of_the_plain_loop(tiny_generator, prompts):
    ids, generator = list(prompts[0]), tiny_generator
    for _ in range(12):
        with torch.inference_mode():
            ids.append(int(generator.base_model(torch.tensor([ids])).logits[0, -1].argmax()))
    assert generator.tokenizer.eos_token_id not in ids
    assert generator.generate([prompts[0]], 12)[0].text == generator.tokenizer.decode(
        ids[len(prompts[0]) :], skip_special_tokens=True
    )


@pytest.mark.parametrize("most", [1, 2, 7, 30])
def test_streamed_text_joined_is_the_final_text(tiny_generator, prompts, most):
    for ids in prompts:
        pieces = []
        final = tiny_generator.generate([ids], most, pieces.append)[0].text
        assert "".join(pieces) == final


def test_max_new_tokens_bounds_the_answer(tiny_generator, prompts):
    for most in (1, 5):
        assert [len(g.logprobs) for g in tiny_generator.generate(prompts, most)] == [most] * len(prompts)


def test_the_stop_token_ends_a_row_and_is_not_text(tiny_generator, prompts):
    long = tiny_generator.generate([prompts[0]], 12)[0]
    generated = list(prompts[0])
    with torch.inference_mode():
        for _ in range(12):
            generated.append(int(tiny_generator.base_model(torch.tensor([generated])).logits[0, -1].argmax()))
    new = generated[len(prompts[0]) :]
    stop = new[4]
    cut = tiny_generator.generate([prompts[0], prompts[1]], 12, stop=stop)[0]
    first = new.index(stop)
    assert cut.text == tiny_generator.tokenizer.decode(new[:first], skip_special_tokens=True)
    assert cut.logprobs == pytest.approx(long.logprobs[: first + 1], abs=1e-4)


def test_scores_are_the_plain_log_softmax_and_leave_the_answers_alone(tiny_generator, prompts):
    targets = [prompts[1][:n] for n in (2, 5, 0, 1, 3)]
    plain = tiny_generator.generate(prompts, 12)
    generations, scores = tiny_generator.generate_and_score(prompts, targets, 12)
    assert generations == plain
    for ids, more, found in zip(prompts, targets, scores, strict=True):
        with torch.inference_mode():
            logits = torch.log_softmax(tiny_generator.base_model(torch.tensor([ids + more])).logits[0], -1)
        assert found == pytest.approx(
            [logits[len(ids) - 1 + i, token].item() for i, token in enumerate(more)], abs=1e-4
        )
    assert tiny_generator.generate_and_score(prompts, [[]] * len(prompts), 12) == (plain, [[]] * len(prompts))


def test_generated_logprobs_are_those_of_scoring_the_same_tokens(tiny_generator, prompts):
    ids = prompts[3]
    generated = []
    with torch.inference_mode():
        for _ in range(6):
            generated.append(int(tiny_generator.base_model(torch.tensor([ids + generated])).logits[0, -1].argmax()))
    generations, scores = tiny_generator.generate_and_score([ids], [generated], 6)
    assert generations[0].logprobs == pytest.approx(scores[0], abs=1e-4)


def test_an_adapter_changes_the_answer_and_base_takes_it_off(tiny_generator, tuned, prompts):
    plain = tiny_generator.generate(prompts, 16)
    assert texts(tuned.generate(prompts, 16)) != texts(plain)
    with tuned.without_adapter():
        as_base = tuned.generate(prompts, 16)
    assert texts(as_base) == texts(plain)
    assert [g.logprobs for g in as_base] == [pytest.approx(g.logprobs, abs=1e-5) for g in plain]
    assert texts(tuned.generate(prompts, 16)) != texts(plain)


def test_base_of_a_generator_without_adapter_is_itself(tiny_generator, prompts):
    with tiny_generator.without_adapter():
        inside = tiny_generator.generate(prompts, 4)
    assert texts(inside) == texts(tiny_generator.generate(prompts, 4))


@pytest.fixture
def adapter_with(tiny_adapter, tmp_path):
    def make(**changes):
        folder = shutil.copytree(tiny_adapter, tmp_path / "adapter")
        identity = {**json.loads((folder / "identity.json").read_text()), **changes}
        (folder / "identity.json").write_text(json.dumps(identity))
        return folder

    return make


@pytest.mark.parametrize(
    ("trained", "served", "refused"),
    [("nf4", "float32", True), ("nf4", "bfloat16", True), ("nf4", "nf4", False), ("bfloat16", "float32", False)],
)
def test_an_adapter_of_4_bit_weights_is_not_served_on_others(tiny_model, adapter_with, trained, served, refused):
    adapter = adapter_with(precision=trained)
    if refused:
        with pytest.raises(ModelError, match=f"trained on nf4.*worse on {served}.*model.precision=auto"):
            Generator(find_model(str(tiny_model)), "cpu", served, adapter)
    else:
        assert Generator(find_model(str(tiny_model)), "cpu", served, adapter).precision == served


def test_an_adapter_of_another_base_is_refused_naming_both(tiny_model, adapter_with):
    model = find_model(str(tiny_model))
    with pytest.raises(ModelError, match=f"ffffffffffff, not {model.digest[:12]}.*--base"):
        Generator(model, "cpu", "float32", adapter_with(base="f" * 64))


def test_an_adapter_of_another_prompt_is_refused_naming_both(tiny_model, tiny_generator, adapter_with):
    ours = fingerprint(tiny_generator.tokenizer)
    with pytest.raises(PromptError, match=f"eeeeeeeeeeee.*{ours}.*--base"):
        Generator(find_model(str(tiny_model)), "cpu", "float32", adapter_with(prompt="e" * 12))


@pytest.mark.parametrize("content", [None, "{broken", '{"base": "of a weight delta"}'])
def test_a_folder_that_is_no_adapter_says_make_train(tmp_path, content):
    if content:
        (tmp_path / "identity.json").write_text(content)
    with pytest.raises(ModelError, match="make train"):
        read_identity(tmp_path)


def test_a_model_without_chat_template_is_refused(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "bare")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template"):
        Generator(find_model(str(folder)), "cpu", "float32")


def test_the_tiny_tokenizer_renders_chatml(tiny_generator):
    text = tiny_generator.tokenizer.apply_chat_template(messages("q", []), tokenize=False, add_generation_prompt=True)
    assert text.startswith("<|im_start|>system\n") and text.endswith("<|im_start|>assistant\n")
