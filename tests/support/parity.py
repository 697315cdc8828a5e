"""Loss and gradients of training from the question on, and of PEFT's own forward pass over whole rows, to hold one against the other."""

import tempfile
from dataclasses import replace

import torch
import torch.nn.functional as F
from peft import PeftModel
from peft.helpers import disable_input_dtype_casting
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, TrainingArguments

from finetune.generator.base_model import TrainableModel, use_prefix_attention, cast_adapter_to_float32
from finetune.generator.prefix_batches import collate_examples, sft_examples
from finetune.generator.prefix_trainer import PrefixSftTrainer
from rag.core.sections import PrefixSettings
from rag.generation import prompt
from rag.models.adapters import serving_config

Found = tuple[float, dict[str, torch.Tensor]]  # the loss, and each matrix's gradient


def load_plain(model) -> TrainableModel:
    """-> the model as transformers loads it, with attention written out: torch's fused one differs from it by 2.6e-3 of a matrix's largest entry."""
    base = AutoModelForCausalLM.from_pretrained(model.path, dtype=torch.float32, attn_implementation="eager")
    return TrainableModel(
        AutoTokenizer.from_pretrained(model.path), base, model, "cpu", "float32", PrefixSettings(500, apart=False)
    )


def from_question(base: TrainableModel, folder, rows) -> Found:
    """As `python -m finetune sft` trains, in autocast where the base is not float32."""
    tuned = PeftModel.from_pretrained(base.model, folder, is_trainable=True, config=serving_config(folder))
    cast_adapter_to_float32(tuned)
    use_prefix_attention(base.model, "cpu")
    with tempfile.TemporaryDirectory() as out:
        trainer = PrefixSftTrainer(
            tuned, TrainingArguments(output_dir=out, use_cpu=True, remove_unused_columns=False, report_to=[]), base
        )
    with autocast(base), disable_input_dtype_casting(tuned):
        said = trainer.label_logprobs(tuned, collate_examples(list(sft_examples(base.tokenizer, rows))))
    return backward(said, tuned)


def over_whole_rows(base: TrainableModel, folder, rows) -> Found:
    """PEFT's forward pass over whole rows, one at a time."""
    tuned = PeftModel.from_pretrained(base.model, folder, is_trainable=True)
    assert tuned.peft_config["default"].alora_invocation_tokens
    cast_adapter_to_float32(tuned)
    said = []
    for row in rows:
        tokens = prompt.render(base.tokenizer, row.question, list(row.passages), row.target)
        with autocast(base):
            logits = tuned(input_ids=torch.tensor([tokens.ids])).logits[0, -tokens.completion_length - 1 : -1].float()
        said.append(-F.cross_entropy(logits, torch.tensor(tokens.completion), reduction="none"))
    return backward(torch.cat(said), tuned)


@torch.no_grad()
def after_passages_apart(plain: PeftModel, tokens: prompt.PromptTokens, most: int) -> list[int]:
    """-> what PEFT's model says greedily after passages that the base has read each for itself, at the positions where they stand: that the instructions
    before them stand as much further on changes nothing, since positions are relative."""
    (head, *passages), read = tokens.parts(block_attention=True), []
    for passage in passages:
        after = sum(map(len, passages[: len(read)]))
        ids = torch.tensor([head + passage])
        with plain.disable_adapter():
            found = plain.get_base_model()(
                input_ids=ids, position_ids=torch.arange(ids.shape[1])[None] + after, use_cache=True
            ).past_key_values.layers
        first = 0 if not read else len(head)
        read.append([(layer.keys[:, :, first:], layer.values[:, :, first:]) for layer in found])
    said: list[int] = []
    while len(said) < most and plain.config.eos_token_id not in said:
        cache = DynamicCache(
            [tuple(torch.cat(part, 2) for part in zip(*layer, strict=True)) for layer in zip(*read, strict=True)]
        )
        said.append(
            plain(input_ids=torch.tensor([tokens.suffix + said]), past_key_values=cache).logits[0, -1].argmax().item()
        )
    return said


def autocast(base: TrainableModel):
    return torch.autocast("cpu", torch.bfloat16, enabled=base.model.dtype == torch.bfloat16)


def backward(said, tuned) -> Found:
    loss = -said.mean()
    loss.backward()
    return loss.item(), {name: p.grad.float() for name, p in tuned.named_parameters() if p.requires_grad}


def in_float32(base: TrainableModel) -> TrainableModel:
    """-> the same weights, unpacked, in float32 arithmetic."""
    base.model.float().set_attn_implementation("eager")
    return replace(base, precision="float32")


def difference(found: Found, wanted: Found) -> tuple[float, float, float]:
    """-> of the losses; of the gradient as one vector relative to its length; of any matrix's gradient relative to its largest entry."""
    (loss, ours), (other, theirs) = found, wanted
    assert ours.keys() == theirs.keys() and any(gradient.abs().max() > 1e-3 for gradient in theirs.values())
    worst = max(
        (ours[name] - theirs[name]).abs().max().item() / theirs[name].abs().max().clamp(min=1e-3).item()
        for name in theirs
    )
    apart = sum((ours[name] - theirs[name]).square().sum() for name in theirs) / sum(
        g.square().sum() for g in theirs.values()
    )
    return abs(loss - other), apart.sqrt().item(), worst


def compare(found: Found, wanted: Found, tolerance: float, worst: float) -> None:
    """tolerance: of the loss, and of the gradient as one vector. worst: of any matrix's gradient."""
    loss, gradient, matrix = difference(found, wanted)
    print(f"loss {found[0]:.7f} against {wanted[0]:.7f}; gradient {gradient:.1e}, worst matrix {matrix:.1e}")
    assert loss <= tolerance and gradient <= tolerance and matrix <= worst
