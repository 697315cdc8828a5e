"""A model folder as one GGUF file, which llama.cpp and the programs around it serve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, SpecialVocab, TokenType
from gguf.quants import quantize
from safetensors import safe_open
from transformers import AutoTokenizer

from finetune.export.gguf_names import GgufLayout
from rag.core.errors import TrainingError

# What llama.cpp calls a tokenizer's rule for cutting text into words, by that rule in tokenizer.json.
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
WORD_RULES = {("ByteLevel",): "gpt-2", ("Digits", "ByteLevel"): "smollm", (QWEN, "ByteLevel"): "qwen2"}
STORED = {
    torch.float32: (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    torch.float16: (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    torch.bfloat16: (GGMLQuantizationType.BF16, LlamaFileType.MOSTLY_BF16),
}


def write_model_gguf(folder: Path, out: Path, name: str) -> None:
    """Write a model folder (config.json, *.safetensors, tokenizer.json) as the GGUF file `out`, in its own precision.

    name: how the model is called in the file. Raises TrainingError where model or tokenizer are of a kind that is not
    written here; `out` is then not there.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    layout = GgufLayout(config)
    aside = out.with_name(f".{out.name}")
    writer = GGUFWriter(aside, layout.name)
    writer.add_type("model")
    writer.add_name(name)
    _add_sizes(writer, config)
    _add_vocabulary(writer, folder, config["vocab_size"])
    tied = config.get("tie_word_embeddings", False)
    file_type = LlamaFileType.ALL_F32
    for key, tensor in _tensors(folder):
        module, _, kind = key.rpartition(".")
        if module == "lm_head" and tied:
            continue
        data, stored = _as_stored(layout.ordered(module, tensor))
        writer.add_tensor(f"{layout.tensor_name(module)}.{kind}", data, raw_dtype=stored)
        file_type = max(file_type, STORED[tensor.dtype][1])
    writer.add_file_type(file_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    aside.rename(out)


def _add_sizes(writer: GGUFWriter, config: dict[str, Any]) -> None:
    heads, width = config["num_attention_heads"], config["hidden_size"]
    head = config.get("head_dim") or width // heads
    rope = config.get("rope_parameters") or {}
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(rope.get("rope_theta") or config.get("rope_theta", 10000.0))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _add_vocabulary(writer: GGUFWriter, folder: Path, size: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    words = {number: token for token, number in tokenizer.get_vocab().items()}
    added = {number: token.special for number, token in tokenizer.added_tokens_decoder.items()}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_word_rule(described, folder))
    writer.add_token_list([words.get(number, f"[PAD{number}]") for number in range(size)])
    writer.add_token_types([_token_type(number, words, added) for number in range(size)])
    writer.add_add_bos_token(bool(getattr(tokenizer, "add_bos_token", False)))
    SpecialVocab(folder, load_merges=True, n_vocab=size).add_to_gguf(writer, quiet=True)


def _token_type(number: int, words: dict[int, str], added: dict[int, bool]) -> TokenType:
    if number not in words:
        return TokenType.UNUSED
    if number in added:
        return TokenType.CONTROL if added[number] else TokenType.USER_DEFINED
    return TokenType.NORMAL


def _word_rule(described: dict[str, Any], folder: Path) -> str:
    rule = described.get("pre_tokenizer") or {}
    parts = rule.get("pretokenizers", [rule])
    names = tuple(part.get("pattern", {}).get("Regex") or part.get("type") for part in parts)
    if described["model"].get("type") != "BPE" or names not in WORD_RULES:
        raise TrainingError(
            f"the tokenizer of {folder} is of a kind that is not written as GGUF here: convert the model folder with "
            "llama.cpp's convert_hf_to_gguf.py"
        )
    return WORD_RULES[names]


def _tensors(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            for key in opened.keys():  # noqa: SIM118 - it is no dict
                yield key, opened.get_tensor(key)


def _as_stored(tensor: torch.Tensor) -> tuple[np.ndarray, GGMLQuantizationType]:
    """Return the array and its type: matrices as they are, vectors in float32, as llama.cpp wants them."""
    stored = STORED[tensor.dtype][0] if tensor.dim() > 1 else GGMLQuantizationType.F32
    return quantize(tensor.float().contiguous().numpy(), stored), stored
