"""Loss and gradients of training after cached prefixes, and of PEFT's own forward pass, to compare the two."""

import tempfile
from dataclasses import replace

import torch
import torch.nn.functional as F
from peft import PeftModel
from peft.helpers import disable_input_dtype_casting
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, TrainingArguments

from finetune.generator.base_model import TrainableModel, cast_adapter_to_float32, use_prefix_attention
from finetune.generator.prefix_batches import collate_examples, sft_examples
from finetune.generator.prefix_trainer import PrefixSftTrainer
from rag.core.sections import PrefixSettings
from rag.generation import prompt
from rag.models.adapters import serving_config

Gradients = tuple[float, dict[str, torch.Tensor]]  # the loss, and each matrix's gradient


def load_plain(model) -> TrainableModel:
    """Load the model as transformers does, with eager attention.

    The fused attention differs from it by 2.6e-3 of a matrix's largest entry.
    """
    base = AutoModelForCausalLM.from_pretrained(model.path, dtype=torch.float32, attn_implementation="eager")
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    return TrainableModel(tokenizer, base, model, "cpu", "float32", PrefixSettings(500, apart=False))


def prefix_gradients(base: TrainableModel, folder, rows) -> Gradients:
    """Compute them as `python -m finetune sft` trains, with autocast where the base is not float32."""
    tuned = PeftModel.from_pretrained(base.model, folder, is_trainable=True, config=serving_config(folder))
    cast_adapter_to_float32(tuned)
    use_prefix_attention(base.model, "cpu")
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(output_dir=out, use_cpu=True, remove_unused_columns=False, report_to=[])
        trainer = PrefixSftTrainer(tuned, arguments, base)
    with autocast(base), disable_input_dtype_casting(tuned):
        logprobs = trainer.label_logprobs(tuned, collate_examples(list(sft_examples(base.tokenizer, rows))))
    return backward(logprobs, tuned)


def whole_row_gradients(base: TrainableModel, folder, rows) -> Gradients:
    """Compute them by PEFT's forward pass over whole rows, one at a time."""
    tuned = PeftModel.from_pretrained(base.model, folder, is_trainable=True)
    assert tuned.peft_config["default"].alora_invocation_tokens
    cast_adapter_to_float32(tuned)
    logprobs = []
    for row in rows:
        tokens = prompt.render(base.tokenizer, row.question, list(row.passages), row.target)
        with autocast(base):
            logits = tuned(input_ids=torch.tensor([tokens.ids])).logits[0, -tokens.completion_length - 1 : -1].float()
        logprobs.append(-F.cross_entropy(logits, torch.tensor(tokens.completion), reduction="none"))
    return backward(torch.cat(logprobs), tuned)


@torch.no_grad()
def generate_block_attention(plain: PeftModel, tokens: prompt.PromptTokens, max_new_tokens: int) -> list[int]:
    """Generate greedily with PEFT's model after passages that the base has encoded each by itself.

    Each passage is encoded at the position where it stands. That moves the instructions before it too, which changes
    nothing, because positions are relative.
    """
    instructions, *passages = tokens.parts(block_attention=True)
    encoded = []
    for passage in passages:
        shift = sum(map(len, passages[: len(encoded)]))
        ids = torch.tensor([instructions + passage])
        positions = torch.arange(ids.shape[1])[None] + shift
        with plain.disable_adapter():
            output = plain.get_base_model()(input_ids=ids, position_ids=positions, use_cache=True)
        first = len(instructions) if encoded else 0
        layers = output.past_key_values.layers
        encoded.append([(layer.keys[:, :, first:], layer.values[:, :, first:]) for layer in layers])
    generated: list[int] = []
    while len(generated) < max_new_tokens and plain.config.eos_token_id not in generated:
        layers = [[torch.cat(part, 2) for part in zip(*layer, strict=True)] for layer in zip(*encoded, strict=True)]
        cache = DynamicCache([tuple(layer) for layer in layers])
        output = plain(input_ids=torch.tensor([tokens.suffix + generated]), past_key_values=cache)
        generated.append(output.logits[0, -1].argmax().item())
    return generated


def autocast(base: TrainableModel):
    return torch.autocast("cpu", torch.bfloat16, enabled=base.model.dtype == torch.bfloat16)


def backward(logprobs, tuned) -> Gradients:
    loss = -logprobs.mean()
    loss.backward()
    return loss.item(), {name: p.grad.float() for name, p in tuned.named_parameters() if p.requires_grad}


def in_float32(base: TrainableModel) -> TrainableModel:
    """Return the same weights, unpacked, in float32 arithmetic."""
    base.model.float().set_attn_implementation("eager")
    return replace(base, precision="float32")


def difference(found: Gradients, expected: Gradients) -> tuple[float, float, float]:
    """Return three differences.

    Of the losses; of the gradient as one vector, relative to its length; and the largest of any matrix's gradient,
    relative to its largest entry.
    """
    (loss, ours), (other, theirs) = found, expected
    assert ours.keys() == theirs.keys() and any(gradient.abs().max() > 1e-3 for gradient in theirs.values())
    worst = max(
        (ours[name] - theirs[name]).abs().max().item() / theirs[name].abs().max().clamp(min=1e-3).item()
        for name in theirs
    )
    squared = sum((ours[name] - theirs[name]).square().sum() for name in theirs)
    length = sum(gradient.square().sum() for gradient in theirs.values())
    return abs(loss - other), (squared / length).sqrt().item(), worst


def compare(found: Gradients, expected: Gradients, tolerance: float, worst: float) -> None:
    """Assert that both agree. tolerance: of loss and gradient vector. worst: of any matrix's gradient."""
    loss, gradient, matrix = difference(found, expected)
    print(f"loss {found[0]:.7f} against {expected[0]:.7f}; gradient {gradient:.1e}, worst matrix {matrix:.1e}")
    assert loss <= tolerance and gradient <= tolerance and matrix <= worst
