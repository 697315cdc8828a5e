"""The real model, read once and from the question on, held against PEFT's own computation: RAGTUNE_PROMPTS=50 pytest tests/test_parity.py -rP."""

import json
import os

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from fakes import CORPUS, corpus_document
from finetune.generator.base_model import load_trainable
from parity import after_passages_apart, compare, difference, from_question, in_float32, load_plain, over_whole_rows
from rag.core.sections import ChunkSettings, ModelSettings
from rag.documents.chunking import chunk_document
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.adapters import AT_QUESTION, SHIPPED_READER
from rag.models.resolve import find_model
from triplets import row

pytestmark = pytest.mark.model
ROWS = [row(n, n % 3 > 0, "litres " * (n % 5) * 3) for n in range(8)]
NOISE = (
    1.5,
    2.0,
)  # times PEFT's own distance from exact arithmetic, for all and for the worst of hundreds of matrices: each is one draw of rounding
PROMPTS = int(os.environ.get("RAGTUNE_PROMPTS", "0"))


@pytest.fixture(scope="module")
def model():
    return find_model(ModelSettings().generator)


@pytest.fixture
def adapter(model, tmp_path):
    """-> a folder with an activated LoRA that has left its start."""
    base = load_plain(model)
    torch.manual_seed(0)
    start = prompt.invocation(base.tokenizer).ids
    tuned = get_peft_model(
        base.model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM", alora_invocation_tokens=start)
    )
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn_like(parameter) * 0.01
    tuned.save_pretrained(tmp_path / "adapter")
    identity = {
        "base": model.digest,
        "prompt": prompt.fingerprint(base.tokenizer),
        "precision": "float32",
        "activation": AT_QUESTION,
    }
    (tmp_path / "adapter/identity.json").write_text(json.dumps(identity))
    return tmp_path / "adapter"


def test_loss_and_gradients_in_float32(model, adapter):
    compare(
        from_question(load_trainable(model, "cpu", "float32"), adapter, ROWS),
        over_whole_rows(load_plain(model), adapter, ROWS),
        1e-4,
        1e-3,
    )


@pytest.mark.parametrize("precision", ["bfloat16", "nf4"])
def test_low_precision_is_as_near_to_exact_arithmetic_as_pefts_own(model, adapter, precision):
    """Two orders of summing in bfloat16 differ by its rounding, of 2^-9 a number, so no fixed tolerance says which gradient is wrong. Both are therefore held
    against float32 arithmetic on the same weights; NF4 packed, as QLoRA has it, is PEFT's side. The loss is one number, whose rounding may fall to zero by
    chance on either side: it has to be within 1 %, some roundings. Where NF4 computes in float32, both are off by about 1e-5, and 1e-4 is near enough."""
    exact = over_whole_rows(in_float32(load_trainable(model, "cpu", precision)), adapter, ROWS)
    ours = difference(from_question(load_trainable(model, "cpu", precision), adapter, ROWS), exact)
    theirs = difference(over_whole_rows(load_trainable(model, "cpu", precision, unpack=False), adapter, ROWS), exact)
    for name, found, wanted in zip(("loss", "gradient", "worst matrix"), ours, theirs, strict=True):
        print(f"{precision}, {name}: off by {found:.4f}, PEFT's own by {wanted:.4f}")
    assert ours[0] <= 0.01 * exact[0]
    assert all(
        found <= max(most * wanted, 1e-4) for most, found, wanted in zip(NOISE, ours[1:], theirs[1:], strict=True)
    )


def evidence(question):
    """-> passages of the document that answers it, its evidence among them where there is any."""
    chunks, at = chunk_document(corpus_document(question["document"]), ChunkSettings()), question["start"]
    found = next(n for n, c in enumerate(chunks) if c.start <= at < c.end) if question["answers"] else 1
    return chunks[max(0, found - 1) : found + 2]


@pytest.mark.skipif(not PROMPTS, reason="minutes of float32: RAGTUNE_PROMPTS=50")
@pytest.mark.parametrize("saved", ["reader", "random"])
def test_a_saved_adapter_says_the_same_through_plain_peft(model, adapter, saved):
    """The reader refuses most of these; an adapter of random numbers goes on talking."""
    folder = SHIPPED_READER if saved == "reader" else adapter
    generator, questions = (
        Generator(model, "cpu", "float32", folder),
        [json.loads(line) for line in (CORPUS / "gold.jsonl").open()][:PROMPTS],
    )
    prompts = [prompt.render(generator.tokenizer, q["question"], evidence(q)) for q in questions]
    plain = PeftModel.from_pretrained(load_plain(model).model, folder).eval()

    def whole(t):
        made = plain.generate(input_ids=torch.tensor([t.ids]), max_new_tokens=12, do_sample=False)
        return made[0, len(t.ids) :].tolist()

    said = [
        after_passages_apart(plain, tokens, 12) if generator.block_attention else whole(tokens) for tokens in prompts
    ]
    wanted = [generator.tokenizer.decode(ids, skip_special_tokens=True) for ids in said]
    found = [generator.generate([tokens], 12)[0].text for tokens in prompts]
    print(
        f"{saved}: {sum(a == b for a, b in zip(found, wanted, strict=True))} of {PROMPTS} the same, {len(set(wanted))} different answers"
    )
    assert found == wanted and (saved == "reader" or len(set(wanted)) > PROMPTS // 2)
