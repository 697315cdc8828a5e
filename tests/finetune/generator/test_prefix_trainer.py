"""Training and answering with cached passages, compared with PEFT and TRL over the whole sequence."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from trl import DPOConfig

from finetune.data.rows import PreferencePair
from finetune.generator.base_model import TrainableModel, load_trainable
from finetune.generator.dpo import dpo_trainer
from finetune.generator.prefix_batches import collate_examples, dpo_examples
from finetune.generator.sft import sft_trainer
from finetune.generator.whole_sequence import TokenizedDpoTrainer, tokenize_pairs
from finetune.settings import DpoSettings, SftSettings
from parity import compare, generate_block_attention, load_plain, prefix_gradients, whole_row_gradients
from rag.core.errors import TrainingError
from rag.core.sections import PrefixSettings
from rag.generation import prompt
from rag.generation.base_models import BaseModels
from rag.generation.decoding import decode_batch, prefill
from rag.generation.generator import Generator
from rag.models.resolve import find_model
from triplets import row

ROWS = [row(n, n % 3 > 0, "litres " * (n % 5) * 3) for n in range(12)]
PAIRS = [PreferencePair(r, r.target, prompt.REFUSAL if r.cited else "99 litres [2]", "made") for r in ROWS]


def random_adapter(model, folder, start):
    """Return the folder of an activated LoRA as PEFT itself makes and saves it."""
    torch.manual_seed(1)
    config = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        alora_invocation_tokens=start,
        init_lora_weights=False,
    )
    get_peft_model(model, config).save_pretrained(folder)
    return folder


@pytest.fixture
def at_question(tiny_model, tiny_generator, tmp_path):
    """Return the folder of an activated LoRA with the identity that serving checks."""
    start = prompt.invocation(tiny_generator.tokenizer).ids
    folder = random_adapter(AutoModelForCausalLM.from_pretrained(tiny_model), tmp_path / "adapter", start)
    identity = {
        "base": tiny_generator.digest,
        "prompt": prompt.fingerprint(tiny_generator.tokenizer),
        "precision": "float32",
        "activation": "question",
    }
    (folder / "identity.json").write_text(json.dumps(identity))
    return folder


def load_for_training(folder, base_folder):
    from rag.models.adapters import serving_config

    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    return PeftModel.from_pretrained(base, folder, is_trainable=True, config=serving_config(folder))


def test_loss_and_gradients_are_those_of_pefts_whole_forward_pass(tiny_model, tiny_generator, at_question, tmp_path):
    model = find_model(str(tiny_model))
    compare(
        prefix_gradients(load_trainable(model, "cpu", "float32"), at_question, ROWS),
        whole_row_gradients(load_plain(model), at_question, ROWS),
        1e-5,
        1e-5,
    )


def test_dpo_loss_is_trls(tiny_model, tiny_generator, at_question, tmp_path, monkeypatch):
    """Away from the reference, where both would give log 2."""
    tokenizer, settings = tiny_generator.tokenizer, DpoSettings(epochs=1, batch=4, learning_rate=1e-20)
    tuned = load_for_training(at_question, tiny_model)
    base = TrainableModel(
        tokenizer,
        tuned.get_base_model(),
        find_model(str(tiny_model)),
        "cpu",
        "float32",
        PrefixSettings(500, apart=False),
    )
    ours = dpo_trainer(tmp_path / "o", base, tuned, PAIRS, PAIRS, settings, True)
    plain = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32), at_question, is_trainable=True
    )
    args = DPOConfig(
        output_dir=str(tmp_path / "t"),
        per_device_eval_batch_size=4,
        beta=settings.beta,
        max_length=None,
        bf16=False,
        use_cpu=True,
        report_to=[],
        precompute_ref_log_probs=True,
        remove_unused_columns=False,
    )
    pairs = tokenize_pairs(tokenizer, PAIRS)
    theirs = TokenizedDpoTrainer(plain, args=args, train_dataset=pairs, eval_dataset=pairs, processing_class=tokenizer)
    ours.train()  # encodes, and scores with the reference; at so small a learning rate nothing moves
    theirs.evaluate()  # the same
    for model in (ours.model, plain):
        torch.manual_seed(3)
        for name, parameter in model.named_parameters():
            if "lora_B.default" in name:
                parameter.data = parameter.data + torch.randn_like(parameter) * 0.02
    ours.evaluate(), theirs.evaluate()
    found, wanted = (trainer.state.log_history[-1] for trainer in (ours, theirs))
    print(found, wanted)
    for name in ("eval_loss", "eval_rewards/margins", "eval_rewards/chosen", "eval_rewards/rejected"):
        assert found[name] == pytest.approx(wanted[name], abs=1e-5)
    assert abs(found["eval_loss"] - 0.6931) > 1e-3


@pytest.mark.parametrize("at_question_alone", [True, False])
def test_dpo_stops_where_chosen_answers_become_unlikely(
    tiny_model, tiny_generator, at_question, tmp_path, monkeypatch, at_question_alone
):
    """With either trainer; at the first evaluation there is no earlier checkpoint to keep."""
    monkeypatch.setattr("finetune.generator.callbacks.COLLAPSE", -1e9)
    tuned = load_for_training(at_question, tiny_model)
    base = TrainableModel(
        tiny_generator.tokenizer,
        tuned.get_base_model(),
        find_model(str(tiny_model)),
        "cpu",
        "float32",
        PrefixSettings(500, apart=False),
    )
    with pytest.raises(
        TrainingError,
        match="first evaluation, at a learning rate of 0.0001: python -m finetune --set dpo.learning_rate=2.5e-05 dpo",
    ):
        dpo_trainer(tmp_path, base, tuned, PAIRS, PAIRS, DpoSettings(), at_question_alone).train()


def test_a_pair_shares_prefix_and_question(tiny_generator):
    data = dpo_examples(tiny_generator.tokenizer, PAIRS[:2])
    batch = collate_examples(list(data))
    assert len(batch["ids"]) == len(batch["prefixes"]) == 2 and batch["prefixes"][0] != batch["prefixes"][1]
    said = [tiny_generator.tokenizer.decode(batch["labels"][batch["output"] == n]) for n in range(4)]
    assert said == [text + "<|im_end|>" for pair in PAIRS[:2] for text in (pair.chosen, pair.rejected)]
    last = [row["length"] - sum(map(len, row["outputs"])) - 1 for row in data]
    width = batch["ids"].shape[1]
    starts = [batch["predictor"][batch["output"] == n][0].tolist() for n in range(4)]
    assert starts == [
        [n, width - row["length"] + at] for n, (row, at) in enumerate(zip(data, last, strict=True)) for _ in range(2)
    ]


@pytest.fixture
def questions():
    return [row(n, 1, "Question: why? " * (n % 3)) for n in range(50)]


def test_plain_peft_says_the_same_on_50_prompts(tiny_model, tiny_generator, at_question, questions):
    generator = Generator(find_model(str(tiny_model)), "cpu", "float32", at_question)
    prompts = [prompt.render(generator.tokenizer, r.question, list(r.passages)) for r in questions]
    plain = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32), at_question
    ).eval()
    said = [
        plain.generate(input_ids=torch.tensor([t.ids]), max_new_tokens=12, do_sample=False)[0, len(t.ids) :]
        for t in prompts
    ]
    wanted = [generator.tokenizer.decode(ids, skip_special_tokens=True) for ids in said]
    found = [g.text for at in range(0, 50, 10) for g in generator.generate(prompts[at : at + 10], 12)]
    assert found == wanted and len(set(wanted)) > 10
    with generator.without_adapter():
        as_base = [g.text for g in generator.generate(prompts[:10], 12)]
    assert as_base == [g.text for g in tiny_generator.generate(prompts[:10], 12)] != wanted[:10]


def test_plain_peft_says_the_same_after_passages_read_apart(tiny_model, at_question, questions):
    identity = json.loads((at_question / "identity.json").read_text())
    (at_question / "identity.json").write_text(json.dumps({**identity, "apart": True}))
    generator = Generator(find_model(str(tiny_model)), "cpu", "float32", at_question)
    prompts = [prompt.render(generator.tokenizer, r.question, list(r.passages)) for r in questions[:10]]
    plain = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32), at_question
    ).eval()
    wanted = [
        generator.tokenizer.decode(generate_block_attention(plain, tokens, 12), skip_special_tokens=True)
        for tokens in prompts
    ]
    found = [g.text for g in generator.generate(prompts, 12)]
    assert found == wanted and len(set(wanted)) > 3
    jointly = [
        plain.generate(input_ids=torch.tensor([t.ids]), max_new_tokens=12, do_sample=False)[0, len(t.ids) :]
        for t in prompts
    ]
    assert found != [generator.tokenizer.decode(ids, skip_special_tokens=True) for ids in jointly]


def test_answers_are_the_same_with_and_without_the_cache(tiny_model, tiny_generator, questions):
    none = Generator(find_model(str(tiny_model)), "cpu", "float32", bases=BaseModels(PrefixSettings(0)))
    prompts = [prompt.render(none.tokenizer, r.question, list(r.passages)) for r in questions]
    with torch.inference_mode():
        read = prefill(none.base_model, [t.ids for t in prompts])
        whole = decode_batch(none.base_model, read, {none.tokenizer.eos_token_id}, 12)
    first, again = none.generate(prompts, 12), [tiny_generator.generate(prompts, 12) for _ in range(2)][1]
    texts = [none.tokenizer.decode(continuation.ids, skip_special_tokens=True) for continuation in whole]
    assert [g.text for g in first] == [g.text for g in again] == texts


def test_passages_are_encoded_once_for_other_questions_and_for_base_and_adapter(tiny_model, at_question, questions):
    generator = Generator(find_model(str(tiny_model)), "cpu", "float32", at_question)
    ask = lambda question: prompt.render(generator.tokenizer, question, list(questions[0].passages))  # noqa: E731
    generator.generate([ask("What?")], 4)
    assert generator.prefix_reader.computed == 2  # the instructions and the passages
    generator.generate([ask("Why is that so?"), ask("Who?")], 4)
    with generator.without_adapter():
        generator.generate_and_score([ask("What?")], [[5, 6]], 4)
    assert generator.prefix_reader.computed == 2  # the instructions and the passages


def test_an_adapter_from_the_question_on_is_inactive_in_prompts_without_a_question(
    tiny_model, tiny_generator, at_question, questions
):
    generator = Generator(find_model(str(tiny_model)), "cpu", "float32", at_question)
    plain = prompt.render_plain(generator.tokenizer, "Who?")
    assert generator.generate([plain], 8) == tiny_generator.generate([plain], 8)
    with pytest.raises(Exception, match="batches of their own"):
        generator.generate([plain, prompt.render(generator.tokenizer, "q", list(questions[0].passages))], 8)


@pytest.mark.parametrize("precision", ["nf4", "bfloat16"])
def test_quantized_and_low_precision_bases_learn(tiny_model, tmp_path, precision):
    from finetune.generator.trainer_setup import train_adapter

    base = load_trainable(find_model(str(tiny_model)), "cpu", precision)
    settings = SftSettings(rank=4, epochs=6, learning_rate=5e-3, batch=4, patience=9)
    trainer = sft_trainer(tmp_path / "sft", base, ROWS, ROWS, settings)
    train_adapter(trainer, "sft", False)
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert losses[-1] < losses[0] - 0.1
    parts = {
        part
        for r in ROWS
        for part in prompt.render(base.tokenizer, r.question, list(r.passages)).parts(block_attention=True)[1:]
    }
    assert trainer.prefix_reader.computed == 1 + len(parts), "the instructions, and each passage once"


def test_rows_over_the_budget_are_encoded_again_and_train_the_same(tiny_model, tmp_path):
    def trained(memory_mb):
        base = load_trainable(find_model(str(tiny_model)), "cpu", "float32", PrefixSettings(memory_mb))
        trainer = sft_trainer(tmp_path / str(memory_mb), base, ROWS, ROWS[:4], SftSettings(rank=4, epochs=2, batch=4))
        trainer.train()
        return trainer.state.log_history[-1]["train_loss"], trainer.prefix_reader.computed

    (kept, once), (again, often) = trained(500), trained(0)
    assert kept == pytest.approx(again, abs=1e-5) and often > 2 * once


def test_an_adapter_from_the_question_on_is_inactive_in_general_instructions(tiny_model, tiny_generator, at_question):
    """So training can't make the model forget how to follow them, and rows of them would teach it nothing."""
    tokenizer, tuned = tiny_generator.tokenizer, Generator(find_model(str(tiny_model)), "cpu", "float32", at_question)
    plain = [
        prompt.render_plain(tokenizer, text)
        for text in ("Name a port.", "Say when the office opens.\n\nQuestion: when?", "Crane?")
    ]
    for ours, theirs in zip(tuned.generate(plain, 12), tiny_generator.generate(plain, 12), strict=True):
        assert ours.text == theirs.text and ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)
    asked = prompt.render(tokenizer, ROWS[1].question, list(ROWS[1].passages))
    assert tuned.generate([asked], 12)[0].logprobs != pytest.approx(
        tiny_generator.generate([asked], 12)[0].logprobs, abs=1e-2
    )
