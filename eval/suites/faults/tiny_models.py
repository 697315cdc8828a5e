"""Random models of a few kilobytes that load like the real ones: what breaks is the program, not the answers."""

from __future__ import annotations

from pathlib import Path

MARKS = ["<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_generator(folder: Path, texts: list[str]) -> Path:
    """Make a language model of two layers with a tokenizer for the texts, in a new folder, and return that."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=600, min_frequency=2, special_tokens=MARKS, show_progress=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token=MARKS[1], pad_token=MARKS[1])
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    end = {name: tokenizer.eos_token_id for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "num_hidden_layers": 2}
    size = {"hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 2048}
    config = LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=False, **size, **heads, **end)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_embedder(folder: Path, texts: list[str]) -> Path:
    """Make a sentence encoder of one layer that knows the words of the texts, in a new folder, and return that."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    bert = folder.with_name(f"{folder.name}-bert")
    bert.mkdir(parents=True)
    words = sorted({word for text in texts for word in text.lower().split() if word.isalnum()})
    (bert / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]), encoding="utf-8")
    BertTokenizerFast(str(bert / "vocab.txt")).save_pretrained(bert)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(words) + 5, max_position_embeddings=256, **size)).save_pretrained(bert)
    read = Transformer(str(bert), max_seq_length=256)
    SentenceTransformer(modules=[read, Pooling(32), Normalize()], device="cpu").save(str(folder))
    return folder
