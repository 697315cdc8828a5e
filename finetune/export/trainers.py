"""Data and configuration for other trainers, each in files that its own loaders accept.

Tried with their own parsers: TRL 1.16, LLaMA-Factory 0.9.5, Axolotl 0.19, and Unsloth 2026.10's configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from finetune.generator.chats import Chat
from finetune.generator.peft_methods import METHODS
from finetune.settings import DpoSettings, SftSettings
from rag.core.jsonl import write_json, write_lines

Part = dict[str, list[Chat]]  # by the file's name: train, validation
TARGET_MODULES = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how.

    model: path or name of the base model. longest: tokens of the longest chat. preference: empty where the run has no
    preference pairs; no file is then written for them.
    """

    model: str
    longest: int
    sft: Part
    preference: Part
    sft_settings: SftSettings
    dpo_settings: DpoSettings

    @property
    def sft_rate(self) -> float:
        """The learning rate of LoRA over whole sequences, which is what other trainers train."""
        return self.sft_settings.learning_rate or METHODS["lora"].learning_rate

    def common(self, settings: SftSettings | DpoSettings, rate: float) -> dict[str, Any]:
        """Return what transformers' TrainingArguments call it, in all of these trainers but Unsloth's."""
        return {
            "num_train_epochs": settings.epochs,
            "learning_rate": rate,
            "per_device_train_batch_size": 1,
            "gradient_accumulation_steps": settings.batch,
            "lr_scheduler_type": "cosine",
        }


def write_trl(folder: Path, recipe: Recipe) -> list[str]:
    """Write data and configuration for TRL's own commands, and return these."""
    rank = recipe.sft_settings.rank
    model = {
        "model_name_or_path": recipe.model,
        "dataset_test_split": "validation",
        "eval_strategy": "epoch",
        "use_peft": True,
        "lora_r": rank,
        "lora_alpha": 2 * rank,
        "lora_target_modules": "all-linear",
    }
    _write_data(folder / "sft", recipe.sft, lambda chat: chat.as_trl)
    sft = {**model, "dataset_name": "sft", "output_dir": "out/sft", "max_length": recipe.longest}
    _write_yaml(folder / "sft.yaml", {**sft, **recipe.common(recipe.sft_settings, recipe.sft_rate)})
    if not recipe.preference:
        return ["trl sft --config sft.yaml"]
    _write_data(folder / "preference", recipe.preference, lambda chat: chat.as_trl)
    dpo = {**model, "dataset_name": "preference", "output_dir": "out/dpo", "max_length": recipe.longest}
    settings = recipe.dpo_settings
    dpo |= {"beta": settings.beta, **recipe.common(settings, settings.learning_rate)}
    _write_yaml(folder / "dpo.yaml", dpo)
    return ["trl sft --config sft.yaml", "trl dpo --config dpo.yaml"]


def write_axolotl(folder: Path, recipe: Recipe) -> list[str]:
    """Write data and configuration for Axolotl, and return the commands."""
    rank = recipe.sft_settings.rank
    model = {
        "base_model": recipe.model,
        "adapter": "lora",
        "lora_r": rank,
        "lora_alpha": 2 * rank,
        "lora_target_linear": True,
        "sequence_len": recipe.longest,
        "chat_template": "tokenizer_default",
        "optimizer": "adamw_torch",
        "val_set_size": 0,
        "micro_batch_size": 1,
        "lr_scheduler": "cosine",
    }
    sft, dpo = recipe.sft_settings, recipe.dpo_settings
    _write_data(folder / "sft", recipe.sft, lambda chat: chat.as_messages)
    kind = {"type": "chat_template", "field_messages": "messages"}
    data = {name: [_axolotl_data(f"sft/{name}.jsonl", kind)] for name in ("train", "validation")}
    steps = {"gradient_accumulation_steps": sft.batch, "num_epochs": sft.epochs, "learning_rate": recipe.sft_rate}
    held_out = {"datasets": data["train"], "test_datasets": data["validation"]}
    _write_yaml(folder / "sft.yaml", {**model, **held_out, **steps, "output_dir": "out/sft"})
    if not recipe.preference:
        return ["axolotl train sft.yaml"]
    _write_data(folder / "preference", recipe.preference, lambda chat: chat.as_messages)
    fields = {"field_messages": "messages", "field_chosen": "chosen", "field_rejected": "rejected"}
    kind = {"type": "chat_template.default", **fields}
    steps = {"gradient_accumulation_steps": dpo.batch, "num_epochs": dpo.epochs, "learning_rate": dpo.learning_rate}
    pairs = {"rl": "dpo", "rl_beta": dpo.beta, "datasets": [_axolotl_data("preference/train.jsonl", kind)]}
    _write_yaml(folder / "dpo.yaml", {**model, **pairs, **steps, "output_dir": "out/dpo"})
    return ["axolotl train sft.yaml", "axolotl train dpo.yaml"]


def _axolotl_data(path: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {"path": path, "ds_type": "json", "split": "train", **kind}


def write_llama_factory(folder: Path, recipe: Recipe) -> list[str]:
    """Write data, dataset_info.json and configuration for LLaMA-Factory, and return the commands."""
    rank = recipe.sft_settings.rank
    model = {
        "model_name_or_path": recipe.model,
        "finetuning_type": "lora",
        "lora_rank": rank,
        "lora_alpha": 2 * rank,
        "lora_target": "all",
        "dataset_dir": ".",
        "cutoff_len": recipe.longest,
        "do_train": True,
    }
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    described: dict[str, Any] = {}
    for stage, part in (("sft", recipe.sft), ("preference", recipe.preference)):
        ranked = {"ranking": True} if stage == "preference" else {}
        columns = {"messages": "messages", **({"chosen": "chosen", "rejected": "rejected"} if ranked else {})}
        _write_data(folder / stage, part, lambda chat: chat.as_messages)
        for name in part:
            file = {"file_name": f"{stage}/{name}.jsonl", "formatting": "sharegpt", **ranked}
            described[f"{stage}_{name}"] = {**file, "columns": columns, "tags": {**tags, "system_tag": "system"}}
    write_json(folder / "dataset_info.json", described)
    sft = {**model, "stage": "sft", "dataset": "sft_train", "eval_dataset": "sft_validation", "output_dir": "out/sft"}
    _write_yaml(folder / "sft.yaml", {**sft, **recipe.common(recipe.sft_settings, recipe.sft_rate)})
    if not recipe.preference:
        return ["llamafactory-cli train sft.yaml"]
    settings = recipe.dpo_settings
    dpo = {**model, "stage": "dpo", "dataset": "preference_train", "output_dir": "out/dpo", "pref_beta": settings.beta}
    _write_yaml(folder / "dpo.yaml", {**dpo, **recipe.common(settings, settings.learning_rate)})
    return ["llamafactory-cli train sft.yaml", "llamafactory-cli train dpo.yaml"]


def write_unsloth(folder: Path, recipe: Recipe) -> list[str]:
    """Write data and configuration for Unsloth's command, and pairs as its users give them to TRL's DPOTrainer."""
    settings = recipe.sft_settings
    _write_data(folder / "sft", recipe.sft, lambda chat: chat.as_messages)
    training = {
        "training_type": "lora",
        "max_seq_length": recipe.longest,
        "output_dir": "out/sft",
        "num_epochs": settings.epochs,
        "learning_rate": recipe.sft_rate,
        "batch_size": 1,
        "gradient_accumulation_steps": settings.batch,
        "train_on_completions": True,
    }
    lora = {"lora_r": settings.rank, "lora_alpha": 2 * settings.rank, "target_modules": TARGET_MODULES}
    data = {"local_dataset": ["sft/train.jsonl"], "format_type": "chatml"}
    _write_yaml(folder / "sft.yaml", {"model": recipe.model, "data": data, "training": training, "lora": lora})
    _write_data(folder / "preference", recipe.preference, lambda chat: chat.as_trl)
    return ["unsloth train --config sft.yaml"]


TRAINERS: dict[str, Callable[[Path, Recipe], list[str]]] = {
    "trl": write_trl,
    "axolotl": write_axolotl,
    "llama-factory": write_llama_factory,
    "unsloth": write_unsloth,
}


def _write_data(folder: Path, part: Part, shape: Callable[[Chat], dict[str, Any]]) -> None:
    for name, chats in part.items():
        write_lines(folder / f"{name}.jsonl", map(shape, chats))


def _write_yaml(path: Path, values: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
