"""Data and configuration for other trainers: TRL's own loader, and the rules of those that are not installed here.

LLaMA-Factory 0.9.5 and Axolotl 0.19 were run on such files in environments of their own: they read every row, and made
the token ids of our own renderer. What is checked here of them are the rules in their code that a row can break.
"""

import json
from pathlib import Path

import pytest
import yaml
from datasets import Dataset
from transformers import AutoTokenizer
from trl import DPOTrainer, SFTTrainer, get_peft_config
from trl.scripts import dpo as trl_dpo
from trl.scripts import sft as trl_sft

from finetune.cli.exports import LLAMA_CPP, TARGETS
from finetune.data.general_instructions import general_examples
from finetune.data.rows import PreferencePair
from finetune.export.adapter_copy import copy_adapter
from finetune.export.recipe import recipe_of_run
from finetune.export.trainers import TARGET_MODULES, TRAINERS
from finetune.settings import DpoSettings, SftSettings
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage
from rag.generation import prompt
from rag.models.resolve import find_model
from triplets import row

ROWS = [row(n, n % 3 > 0) for n in range(9)]
PAIRS = [PreferencePair(r, r.target, prompt.REFUSAL if r.cited else "99 litres [2]", "made") for r in ROWS]


@pytest.fixture
def exported(tiny_model, tmp_path, monkeypatch):
    """Return a function that exports a run with rows and pairs, and enters the folder."""
    monkeypatch.chdir(tmp_path)
    for part in ("train", "dev"):
        write_lines(Stage("t", "mine").folder / f"{part}.jsonl", ROWS)
        write_lines(Stage("t", "dpo").folder / f"{part}.jsonl", PAIRS)
    Stage("t", "mine").finish({"documents": {}, "held_out": "by document"})

    def export(name):
        model = find_model(str(tiny_model))
        tokenizer = AutoTokenizer.from_pretrained(tiny_model)
        recipe = recipe_of_run("t", model, tokenizer, SftSettings(rank=4), DpoSettings(beta=0.2))
        folder = tmp_path / name
        folder.mkdir()
        commands = TRAINERS[name](folder, recipe)
        monkeypatch.chdir(folder)
        return tokenizer, commands

    return export


def test_every_trainer_can_be_named():
    assert (*TRAINERS, LLAMA_CPP) == TARGETS


def test_trl_reads_the_files_and_makes_the_tokens_of_our_own_renderer(exported):
    tokenizer, commands = exported("trl")
    assert commands == ["trl sft --config sft.yaml", "trl dpo --config dpo.yaml"]
    sft = _trl_data(trl_sft, "sft.yaml", SFTTrainer)
    rendered = [prompt.render(tokenizer, r.question, list(r.passages), r.target) for r in ROWS]
    wanted = [(tokens.prompt, tokens.completion) for tokens in rendered] + general_examples(tokenizer, 9, 0.1)
    for got, (before, completion) in zip(sft, wanted, strict=True):
        assert got["input_ids"][: len(before) + len(completion)] == before + completion
        assert got["labels"][: len(before)] == [-100] * len(before) and got["labels"][len(before)] == completion[0]
    for got, pair in zip(_trl_data(trl_dpo, "dpo.yaml", DPOTrainer), PAIRS, strict=True):
        for key, output in (("chosen_ids", pair.chosen), ("rejected_ids", pair.rejected)):
            tokens = prompt.render(tokenizer, pair.row.question, list(pair.row.passages), output)
            assert got["prompt_ids"] == tokens.prompt and got[key][: len(tokens.completion)] == tokens.completion


def _trl_data(script, file, trainer):
    more = ["--config", file, "--use_cpu", "true", "--bf16", "false"]
    names, arguments, model, _ = script.make_parser().parse_args_and_config(more, fail_with_unknown_args=True)
    assert arguments.learning_rate == (5e-4 if trainer is SFTTrainer else 1e-4) and model.lora_alpha == 8
    data = {name: _dataset(f"{names.dataset_name}/{name}.jsonl") for name in ("train", names.dataset_test_split)}
    ready = trainer(
        model.model_name_or_path,
        args=arguments,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        peft_config=get_peft_config(model),
    )
    return ready.train_dataset


def _dataset(path):
    return Dataset.from_list(read_lines(Path(path)))


def test_llama_factorys_rules(exported, tmp_path):
    """Of llamafactory/data/converter.py: roles alternate, and a ranked chat ends with the user."""
    exported("llama-factory")
    described = json.loads((tmp_path / "llama-factory/dataset_info.json").read_text())
    assert [name for name in described if described[name].get("ranking")] == [
        "preference_train",
        "preference_validation",
    ]
    for about in described.values():
        tags, columns = about["tags"], about["columns"]
        ranked = about.get("ranking", False)
        for line in read_lines(tmp_path / "llama-factory" / about["file_name"]):
            said = line[columns["messages"]]
            roles = [message[tags["role_tag"]] for message in said]
            turns = roles[roles[0] == tags["system_tag"] :]
            assert turns == [tags["user_tag"], tags["assistant_tag"]][: 2 - ranked]
            if ranked:
                assert {line[columns[key]][tags["role_tag"]] for key in ("chosen", "rejected")} == {"assistant"}
    sft, dpo = (yaml.safe_load((tmp_path / f"llama-factory/{name}.yaml").read_text()) for name in ("sft", "dpo"))
    assert sft["dataset"] in described and sft["eval_dataset"] in described and dpo["dataset"] in described
    assert (dpo["stage"], dpo["pref_beta"], sft["lora_rank"]) == ("dpo", 0.2, 4)


def test_axolotls_rules(exported, tmp_path):
    """Of axolotl's prompt strategies chat_template and dpo.chat_template: the fields that the configuration names."""
    exported("axolotl")
    sft, dpo = (yaml.safe_load((tmp_path / f"axolotl/{name}.yaml").read_text()) for name in ("sft", "dpo"))
    assert dpo["rl"] == "dpo" and dpo["rl_beta"] == 0.2 and sft["adapter"] == "lora"
    (data,), (pairs,) = sft["datasets"], dpo["datasets"]
    assert (data["type"], pairs["type"], data["ds_type"]) == ("chat_template", "chat_template.default", "json")
    for line in read_lines(tmp_path / "axolotl" / data["path"]):
        assert line[data["field_messages"]][-1]["role"] == "assistant"
    for line, pair in zip(read_lines(tmp_path / "axolotl" / pairs["path"]), PAIRS, strict=True):
        assert line[pairs["field_messages"]][-1]["role"] == "user"
        assert line[pairs["field_chosen"]] == {"role": "assistant", "content": pair.chosen}
        assert line[pairs["field_rejected"]] == {"role": "assistant", "content": pair.rejected}


def test_unsloths_rules(exported, tmp_path):
    """Of unsloth_cli/config.py, which takes no other keys than these."""
    exported("unsloth")
    written = yaml.safe_load((tmp_path / "unsloth/sft.yaml").read_text())
    assert list(written) == ["model", "data", "training", "lora"]
    assert written["data"] == {"local_dataset": ["sft/train.jsonl"], "format_type": "chatml"}
    assert written["lora"] == {"lora_r": 4, "lora_alpha": 8, "target_modules": TARGET_MODULES}
    pair = read_lines(tmp_path / "unsloth/preference/train.jsonl")[1]
    assert list(pair) == ["prompt", "chosen", "rejected"] and pair["chosen"][0]["content"] == PAIRS[1].chosen


def test_control_tokens_in_documents_stay_text(exported, tmp_path, tiny_model):
    hostile = [row(n, 1, "<|im_end|>") for n in range(2)]
    for part in ("train", "dev"):
        write_lines(Stage("t", "mine").folder / f"{part}.jsonl", hostile)
    exported("axolotl")
    text = (tmp_path / "axolotl/sft/train.jsonl").read_text()
    assert "<|im_end|>" not in text and "< |im_end|>" in text


def test_a_run_without_pairs_exports_its_rows_alone(exported, tmp_path):
    Stage("t", "dpo").clear()
    _, commands = exported("trl")
    assert commands == ["trl sft --config sft.yaml"] and not (tmp_path / "trl/preference").exists()


def test_an_activated_adapter_is_copied_as_plain_lora_too(tiny_adapter, tiny_model, tmp_path):
    config = json.loads((tiny_adapter / "adapter_config.json").read_text())
    activated = tmp_path / "activated"
    activated.mkdir()
    (activated / "adapter_config.json").write_text(json.dumps({**config, "alora_invocation_tokens": [7, 8]}))
    (activated / "adapter_model.safetensors").write_bytes((tiny_adapter / "adapter_model.safetensors").read_bytes())
    copies = copy_adapter(activated, tiny_model, tmp_path / "out")
    configs = {copy.name: json.loads((copy / "adapter_config.json").read_text()) for copy in copies}
    assert configs["adapter-alora"]["alora_invocation_tokens"] == [7, 8]
    assert configs["adapter-lora"]["alora_invocation_tokens"] is None
    assert [copy.name for copy in copy_adapter(tiny_adapter, tiny_model, tmp_path / "plain")] == ["adapter"]
    with pytest.raises(TrainingError, match="no adapter in PEFT's format"):
        copy_adapter(tmp_path, tiny_model, tmp_path / "nothing")
