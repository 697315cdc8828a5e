"""The command that writes a run's rows, its adapter or a model for other programs."""

from __future__ import annotations

import argparse

from finetune.generator.configured_base import configured_base
from finetune.settings import DpoSettings, SftSettings
from rag.core.sections import AnswerSettings
from rag.core.settings import Settings

LLAMA_CPP = "llama.cpp"
TARGETS = ("trl", "axolotl", "llama-factory", "unsloth", LLAMA_CPP)  # a test holds them equal to the writers
COMPARED = 24  # development rows that llama.cpp must answer as ours does


def run_export(args: argparse.Namespace, settings: Settings) -> None:
    """Write data and configuration for another trainer, or GGUF files for llama.cpp."""
    if args.to == LLAMA_CPP:
        _export_llama_cpp(args, settings)
    else:
        _export_rows(args, settings)


def _export_rows(args: argparse.Namespace, settings: Settings) -> None:
    from transformers import AutoTokenizer

    from finetune.export.adapter_copy import copy_adapter
    from finetune.export.recipe import recipe_of_run
    from finetune.export.trainers import TRAINERS

    model, _, _ = configured_base(settings)
    tokenizer = AutoTokenizer.from_pretrained(model.path, local_files_only=True)
    recipe = recipe_of_run(args.run, model, tokenizer, settings.section(SftSettings), settings.section(DpoSettings))
    args.out.mkdir(parents=True, exist_ok=True)
    commands = TRAINERS[args.to](args.out, recipe)
    for stage, part in (("sft", recipe.sft), ("preference", recipe.preference)):
        print(f"{stage}: { {name: len(chats) for name, chats in part.items()} or 'none: python -m finetune dpo' }")
    if args.adapter:
        print("adapter:", *copy_adapter(args.adapter, model.path, args.out))
    print(f"cd {args.out} && {' && '.join(commands)}")


def _export_llama_cpp(args: argparse.Namespace, settings: Settings) -> None:
    from finetune.data.rows import read_rows
    from finetune.export.to_llama_cpp import ADAPTER, MODEL, export_llama_cpp
    from rag.core.run_folder import Stage

    mined = Stage(args.run, "mine")
    mined.result()
    rows = read_rows(mined.folder / "dev.jsonl")[:COMPARED]
    model, _, precision = configured_base(settings)
    max_new_tokens = settings.section(AnswerSettings).max_new_tokens
    differing = export_llama_cpp(args.out, model, precision, args.adapter, rows, max_new_tokens)
    if differing is None:
        print("not compared with llama.cpp, which is not installed: pip install -e '.[peers]'")
    else:
        print(f"llama.cpp answers {1 - differing:.0%} of {len(rows)} development rows in the same words as ours")
    adapter = f" --lora {ADAPTER} --lora-init-without-apply" if (args.out / ADAPTER).exists() else ""
    print(f"cd {args.out} && llama-server -m {MODEL}{adapter}")
