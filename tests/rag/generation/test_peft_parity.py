"""The real model with cached prefixes, compared with PEFT's own computation.

RAGTUNE_PROMPTS=50 pytest tests/rag/generation/test_peft_parity.py -rP compares the answers to 50 questions too.
"""

import json
import os

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from fakes import CORPUS, corpus_document
from finetune.generator.base_model import load_trainable
from parity import (
    compare,
    difference,
    generate_block_attention,
    in_float32,
    load_plain,
    prefix_gradients,
    whole_row_gradients,
)
from rag.core.sections import ChunkSettings, ModelSettings
from rag.documents.chunking import chunk_document
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.adapters import AT_QUESTION, SHIPPED_READER
from rag.models.resolve import find_model
from triplets import row

pytestmark = pytest.mark.model
ROWS = [row(n, n % 3 > 0, "litres " * (n % 5) * 3) for n in range(8)]
# Times PEFT's own distance from exact arithmetic, of all matrices and of the worst of hundreds. Each distance is one
# draw of rounding.
NOISE = (1.5, 2.0)
PROMPTS = int(os.environ.get("RAGTUNE_PROMPTS", "0"))


@pytest.fixture(scope="module")
def model():
    return find_model(ModelSettings().generator)


@pytest.fixture
def adapter(model, tmp_path):
    """Return a folder with an activated LoRA whose B matrices are not zero."""
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
        prefix_gradients(load_trainable(model, "cpu", "float32"), adapter, ROWS),
        whole_row_gradients(load_plain(model), adapter, ROWS),
        1e-4,
        1e-3,
    )


@pytest.mark.parametrize("precision", ["bfloat16", "nf4"])
def test_low_precision_is_as_near_to_exact_arithmetic_as_pefts_own(model, adapter, precision):
    """Compare both with float32 arithmetic on the same weights.

    Two orders of summing in bfloat16 differ by its rounding, 2^-9 a number, so no fixed tolerance says which gradient
    is wrong. PEFT's side computes on packed NF4 weights, as QLoRA does. The loss is one number, whose rounding may be
    zero by chance, so it has to be within 1 %. Where NF4 computes in float32, both are off by about 1e-5: 1e-4 will do.
    """
    exact = whole_row_gradients(in_float32(load_trainable(model, "cpu", precision)), adapter, ROWS)
    ours = difference(prefix_gradients(load_trainable(model, "cpu", precision), adapter, ROWS), exact)
    theirs = difference(
        whole_row_gradients(load_trainable(model, "cpu", precision, unpack=False), adapter, ROWS), exact
    )
    for name, found, wanted in zip(("loss", "gradient", "worst matrix"), ours, theirs, strict=True):
        print(f"{precision}, {name}: off by {found:.4f}, PEFT's own by {wanted:.4f}")
    assert ours[0] <= 0.01 * exact[0]
    assert all(
        found <= max(most * wanted, 1e-4) for most, found, wanted in zip(NOISE, ours[1:], theirs[1:], strict=True)
    )


def evidence(question):
    """Return passages of the question's document, with its evidence if there is any."""
    chunks, at = chunk_document(corpus_document(question["document"]), ChunkSettings()), question["start"]
    found = next(n for n, c in enumerate(chunks) if c.start <= at < c.end) if question["answers"] else 1
    return chunks[max(0, found - 1) : found + 2]


@pytest.mark.skipif(not PROMPTS, reason="minutes of float32: RAGTUNE_PROMPTS=50")
@pytest.mark.parametrize("saved", ["reader", "random"])
def test_a_saved_adapter_answers_the_same_through_plain_peft(model, adapter, saved):
    """The reader refuses most of these; an adapter of random numbers always generates something else."""
    folder = SHIPPED_READER if saved == "reader" else adapter
    generator = Generator(model, "cpu", "float32", folder)
    questions = [json.loads(line) for line in (CORPUS / "gold.jsonl").open()][:PROMPTS]
    prompts = [prompt.render(generator.tokenizer, q["question"], evidence(q)) for q in questions]
    plain = PeftModel.from_pretrained(load_plain(model).model, folder).eval()

    def generate(tokens):
        if generator.block_attention:
            return generate_block_attention(plain, tokens, 12)
        generated = plain.generate(input_ids=torch.tensor([tokens.ids]), max_new_tokens=12, do_sample=False)
        return generated[0, len(tokens.ids) :].tolist()

    expected = [generator.tokenizer.decode(generate(tokens), skip_special_tokens=True) for tokens in prompts]
    found = [generator.generate([tokens], 12)[0].text for tokens in prompts]
    same, different = sum(a == b for a, b in zip(found, expected, strict=True)), len(set(expected))
    print(f"{saved}: {same} of {PROMPTS} the same, {different} different answers")
    assert found == expected and (saved == "reader" or different > PROMPTS // 2)
