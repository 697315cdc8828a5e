"""SFT and DPO on a tiny model, by both trainers: labels, resuming, identities, and the two patches of CPU training."""

import json

import pytest
import torch
import transformers
import trl.trainer.utils
from peft import get_peft_model
from trl import SFTConfig, SFTTrainer

from eval.runs.forgetting import FILE as INSTRUCTIONS
from eval.runs.leakage import document_parts, find_leaks, read_training_record
from eval.runs.questions import Question
from finetune.cli.stages import DEPENDENTS, begin_stage
from finetune.data.general_instructions import FILE
from finetune.data.rows import PreferencePair, read_pairs, read_rows
from finetune.generator.base_model import load_trainable
from finetune.generator.dpo import train_dpo
from finetune.generator.peft_methods import METHODS
from finetune.generator.sft import train_sft
from finetune.generator.whole_sequence import tokenize_pairs, tokenize_rows
from finetune.settings import DpoSettings, SftSettings
from rag.core.errors import RagtuneError
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.models.causal_lm import load_base
from rag.models.resolve import find_model
from triplets import row

DOCUMENTS = {"train": ["d0.md"], "dev": ["d1.md"], "unmined": []}


@pytest.fixture
def mined(tmp_path, monkeypatch, tiny_model):
    monkeypatch.chdir(tmp_path)
    stage = Stage("t", "mine")
    write_lines(stage.folder / "train.jsonl", [row(n, n % 3 > 0) for n in range(16)])
    write_lines(stage.folder / "dev.jsonl", [row(n + 50, n % 3 > 0) for n in range(4)])
    tokenizer, _ = load_base(find_model(str(tiny_model)), "cpu", "float32")
    stage.finish({"prompt": prompt.fingerprint(tokenizer), "documents": DOCUMENTS})
    return stage


@pytest.fixture(params=["alora", "lora"])
def method(request):
    return request.param


def train(tiny_model, mined, resume=False, **settings) -> Stage:
    stage = Stage("t", "sft")
    train_sft(
        stage, mined, find_model(str(tiny_model)), "cpu", "float32", SftSettings(rank=4, batch=4, **settings), resume
    )
    return stage


def test_labels_are_the_answer_and_nothing_else(tiny_model):
    tokenizer, _ = load_base(find_model(str(tiny_model)), "cpu", "float32")
    data = tokenize_rows(tokenizer, [row(3), row(4, 0)])
    for got, wanted in zip(data, ("3 litres [1]", prompt.REFUSAL), strict=True):
        labels = [label for label in got["labels"] if label != -100]
        assert tokenizer.decode(labels, skip_special_tokens=True) == wanted
        assert labels[-1] == tokenizer.eos_token_id
        assert got["labels"][-len(labels) :] == labels


def test_general_instructions_are_a_tenth_of_what_an_adapter_that_acts_everywhere_learns_from(tiny_model):
    tokenizer, _ = load_base(find_model(str(tiny_model)), "cpu", "float32")
    rows = [row(n) for n in range(18)]
    mixed = tokenize_rows(tokenizer, rows, 0.1)
    assert len(mixed) == 20 and mixed[:18] == tokenize_rows(tokenizer, rows)[:]
    for got, wanted in zip(mixed.select([18, 19]), read_lines(FILE), strict=False):
        at = got["labels"].count(-100)
        assert (
            got["input_ids"][:at] == prompt.render_plain(tokenizer, wanted["instruction"])
            and got["labels"][at:] == got["input_ids"][at:]
        )
        assert (
            tokenizer.decode(got["labels"][at:], skip_special_tokens=True) == wanted["answer"]
            and got["labels"][-1] == tokenizer.eos_token_id
        )
    taught, asked = ({line["instruction"] for line in read_lines(path)} for path in (FILE, INSTRUCTIONS))
    assert len(taught) == 40 and not taught & asked


def test_sft_lowers_the_loss_and_its_adapter_is_served(tiny_model, mined, method):
    stage = train(tiny_model, mined, method=method, epochs=6, learning_rate=5e-3)
    losses = [
        entry["eval_loss"]
        for entry in json.loads((stage.folder / "adapter/curves.json").read_text())["sft"]
        if "eval_loss" in entry
    ]
    assert losses[-1] < losses[0]
    generator = Generator(find_model(str(tiny_model)), "cpu", "float32", stage.folder / "adapter")
    ids = prompt.render(generator.tokenizer, "What?", list(row(1).passages))
    tuned = generator.generate([ids], 8)[0]
    with generator.without_adapter():
        assert generator.generate([ids], 8)[0].logprobs != tuned.logprobs


def test_the_adapter_carries_the_questions_that_it_was_trained_on_and_its_curves(tiny_model, mined):
    folder = train(tiny_model, mined, epochs=3, learning_rate=5e-3).folder / "adapter"
    record = json.loads((folder / "record.json").read_text())
    assert record["documents"] == DOCUMENTS
    assert [len(read_rows(folder.parent / f"{part}.jsonl")) for part in ("train", "dev")] == [16, 4]
    numbers = [("train", n) for n in range(16)] + [("dev", n + 50) for n in range(4)]
    asked_of = {"documents": ["d0.md"]}
    assert record["questions"] == [
        {"id": f"r{n}", "part": part, "question": f"What does tank {n} hold?", **asked_of} for part, n in numbers
    ]
    curves = json.loads((folder / "curves.json").read_text())
    assert list(curves) == ["sft"] and all("step" in entry for entry in curves["sft"])
    assert any("loss" in entry for entry in curves["sft"]) and any("eval_loss" in entry for entry in curves["sft"])
    asked = [
        Question(str(n), f"What does tank {n} hold?", ("x",), "d0.md", (), "k") for n in (3, 51, 99)
    ]  # of train, of dev, of neither
    assert [leak.id for leak in find_leaks(asked, read_training_record(folder)["questions"])] == ["3", "51"]
    assert document_parts(["d0.md", "d1.md", "d2.md"], folder) == {
        "d0.md": "mined",
        "d1.md": "mined",
        "d2.md": "incoming",
    }


@pytest.mark.parametrize("step", [0, 3, 5])
def test_resume_goes_on_to_the_same_weights(tiny_model, mined, method, step):
    whole = train(tiny_model, mined, method=method, epochs=2)
    wanted = (whole.folder / "adapter" / "adapter_model.safetensors").read_bytes()
    whole.clear()

    class Stop(Exception):
        pass

    original = transformers.Trainer.training_step

    def dies(self, *args, **kwargs):
        if self.state.global_step == step:
            raise Stop
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(transformers.Trainer, "training_step", dies)
        train(tiny_model, mined, method=method, epochs=2)
    assert not whole.finished
    resumed = train(tiny_model, mined, resume=True, method=method, epochs=2)
    assert (resumed.folder / "adapter" / "adapter_model.safetensors").read_bytes() == wanted


def test_dpo_goes_on_from_sft_and_prefers_the_chosen(tiny_model, mined, method):
    sft_stage, stage = train(tiny_model, mined, method=method, epochs=1), Stage("t", "dpo")
    pairs = [
        PreferencePair(r, r.target, prompt.REFUSAL if r.cited else "99 litres [2]", "made")
        for r in read_rows(mined.folder / "train.jsonl")
    ]
    for name in ("train", "dev"):
        write_lines(stage.folder / f"{name}.jsonl", pairs)
    assert read_pairs(stage.folder / "dev.jsonl") == pairs
    train_dpo(
        stage, sft_stage, mined, find_model(str(tiny_model)), "cpu", DpoSettings(epochs=4, learning_rate=5e-3), False
    )
    before, curves = (json.loads((s.folder / "adapter/curves.json").read_text()) for s in (sft_stage, stage))
    assert list(curves) == ["sft", "dpo"] and curves["sft"] == before["sft"]
    margins = [entry["eval_rewards/margins"] for entry in curves["dpo"] if "eval_rewards/margins" in entry]
    assert margins[-1] > margins[0]
    names = {p.name for p in (stage.folder / "adapter").iterdir()}
    assert {"adapter_model.safetensors", "identity.json"} <= names
    assert read_training_record(stage.folder / "adapter") == read_training_record(sft_stage.folder / "adapter")
    assert "ref" not in names


def test_a_stage_done_anew_removes_what_depends_on_it(tmp_path, monkeypatch):
    """Else pairs and checkpoints of another SFT adapter, or a verdict on other weights, would pass for this one's."""
    monkeypatch.chdir(tmp_path)
    every = ("mine", *DEPENDENTS["mine"])

    def left(name, resume):
        for stage in every:
            Stage("r", stage).folder.mkdir(parents=True, exist_ok=True)
        begin_stage(name, "r", resume)
        return [stage for stage in every if Stage("r", stage).folder.exists()]

    assert left("sft", True) == list(every)
    assert left("sft", False) == ["mine", "corpus-embedder", "corpus-reranker"] and left("mine", False) == []
    assert left("corpus-embedder", False) == ["mine", "sft", "dpo", "corpus-reranker", "dev"]


def test_an_unknown_method_is_refused(tiny_model, mined):
    with pytest.raises(RagtuneError, match="sft.method is one of 'alora', .*not 'half'"):
        train(tiny_model, mined, method="half")


def test_dpo_tokens_come_from_the_one_renderer(tiny_model):
    tokenizer, _ = load_base(find_model(str(tiny_model)), "cpu", "float32")
    data = tokenize_pairs(tokenizer, [PreferencePair(row(1), row(1).target, prompt.REFUSAL, "x")])[0]
    wanted = prompt.render(tokenizer, row(1).question, list(row(1).passages), row(1).target)
    assert data["prompt_ids"] + data["chosen_ids"] == wanted.ids
    assert data["prompt_ids"] == prompt.render(tokenizer, row(1).question, list(row(1).passages)).ids


def test_a_run_mined_with_another_prompt_is_refused(tiny_model, mined):
    mined.finish({"prompt": "000000000000"})
    with pytest.raises(RagtuneError, match="000000000000.*finetune mine"):
        train(tiny_model, mined, epochs=1)


def test_scoring_labels_only_gives_trls_own_loss(tiny_model, mined, monkeypatch):
    def loss(compact: bool) -> float:
        monkeypatch.setattr(trl.trainer.utils, "_use_triton", lambda device: compact)
        tokenizer, base = load_base(find_model(str(tiny_model)), "cpu", "float32")
        data = tokenize_rows(tokenizer, [row(n) for n in range(4)])
        args = SFTConfig(output_dir="x", max_length=None, report_to=[], bf16=False, use_cpu=True)
        trainer = SFTTrainer(base, args, train_dataset=data, eval_dataset=data, processing_class=tokenizer)
        return trainer.evaluate()["eval_loss"]

    assert loss(True) == pytest.approx(loss(False), rel=1e-5)


def test_nf4_gradients_are_the_same_after_an_evaluation(tiny_model):
    """On some CPUs bitsandbytes repacks weights in evaluation mode, and then has no gradient: see load_trainable."""
    base = load_trainable(find_model(str(tiny_model)), "cpu", "nf4").model
    torch.manual_seed(0)
    model, ids = get_peft_model(base, METHODS["lora"].make(SftSettings(rank=4), base)), torch.arange(5, 25)[None]
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn_like(parameter) * 0.1

    def gradients() -> list[torch.Tensor]:
        model.train().zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        return [p.grad.clone() for p in model.parameters() if p.requires_grad]

    before = gradients()
    with torch.no_grad():
        model.eval()(input_ids=ids)
    for was, now in zip(before, gradients(), strict=True):
        assert torch.allclose(was, now)
    assert any(gradient.abs().max() > 0 for gradient in before)
