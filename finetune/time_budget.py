"""How long training will take here, from one timed step on random tokens of the usual length, and how many spans that leaves time for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import DynamicCache

from finetune.generator.base_model import use_prefix_attention, load_trainable
from finetune.generator.configured_base import configured_base
from finetune.generator.peft_methods import find_method
from finetune.generator.sft import adapter_to_train
from finetune.generator.trainer_setup import EVALUATIONS
from finetune.retriever.cross_encoder import EPOCHS, WRONG
from finetune.retriever.cross_encoder import NAME as CROSS_ENCODER
from finetune.retriever.embedder import EPOCHS as EMBEDDER_EPOCHS
from finetune.retriever.embedder import NAME as EMBEDDER
from finetune.settings import DpoSettings, MineSettings, SftSettings
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import open_retriever
from rag.models.resolve import LocalModel
from rag.retrieval.retriever import Retriever

REST = 40  # of these tokens, the question and the answer
LENGTH = 520  # tokens: a usual row has 430; the rest stands for padding and the optimizer's step
READ = 4  # prompts read together
NEW = 24  # tokens of a usual output
PAIR = 0.4  # a training step of the cross-encoder, a pair, against a search, in which it reads 12 of them
EXAMPLE = 0.65  # and the embedder's, a question with two passages
MARGIN = 1.2  # minutes to name for all spans, against their estimate: the next one may be higher
PASSAGE = 0.07  # reading a passage once with the embedder
PARTS = {
    "mine": "mine",
    "sft": "sft",
    "dpo": "dpo",
    EMBEDDER: "embedder",
    CROSS_ENCODER: "cross-encoder",
}  # of the estimate, by their stages
QUESTION = "When was the harbour's oldest crane last inspected, and by whom?"  # any of a usual length


@dataclass(frozen=True)
class Cost:
    """Seconds a row: of a training step (forward and backward), of reading a prompt, of writing an answer in a batch of eight; and of a search."""

    train: float
    read: float
    write: float
    search: float


def measure(model: LocalModel, device: str, precision: str, settings: SftSettings, retriever: Retriever) -> Cost:
    """The better of two runs each, so that start-up costs are left out. A step trains the adapter that SFT starts from, and goes through the whole row or,
    where the base reads passages once, from the question on alone."""
    loaded, method = load_trainable(model, device, precision), find_method(settings.method)
    base, batch = loaded.model, settings.batch if method.at_question else min(settings.batch, ROWS_AT_ONCE)
    ids = torch.randint(5, base.config.vocab_size, (batch, LENGTH), device=device)
    with torch.inference_mode():
        read = min(_seconds(lambda: base.base_model(ids[:READ])) for _ in range(2)) / len(ids[:READ])
        cache = base(ids[:, :8], use_cache=True).past_key_values
        write = NEW * min(_seconds(lambda: base(ids[:, :1], past_key_values=cache)) for _ in range(2)) / batch
    tuned = adapter_to_train(loaded, settings).train()
    if method.at_question:
        use_prefix_attention(base, device)
    with torch.no_grad():
        seen = tuned(ids[:, :-REST], use_cache=True, logits_to_keep=1).past_key_values if method.at_question else None
    trained = ids if seen is None else ids[:, -REST:]

    def step() -> None:
        low = base.dtype == torch.bfloat16
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=low):
            tuned(
                input_ids=trained, past_key_values=copy(seen), use_cache=seen is not None, logits_to_keep=1
            ).logits.float().logsumexp(-1).mean().backward()

    return Cost(
        min(_seconds(step) for _ in range(2)) / batch,
        read,
        write,
        min(_seconds(lambda: retriever.search(QUESTION)) for _ in range(2)),
    )


def copy(cache: DynamicCache | None) -> DynamicCache | None:
    """-> a cache that can grow while the one given stays."""
    if cache is None:
        return None
    made = DynamicCache()
    for n, layer in enumerate(cache.layers):
        made.update(layer.keys, layer.values, n)
    return made


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plan(
    cost: Cost, chunks: int, candidates: int, checked: bool, sft_epochs: int, dpo_pairs: int, dpo_epochs: int, name: str
) -> dict[str, float]:
    """-> seconds a stage, before anything is mined: about 6 in 10 candidates become rows to train on, 1 in 10 for development. chunks: of the index, which the
    trained embedder reads anew to be judged. checked: as in MineSettings."""
    rows, dev, looks = 0.6 * candidates, 0.1 * candidates, max(EVALUATIONS, sft_epochs)
    once = find_method(
        name
    ).at_question  # passages; an evaluation then costs a third of a training step, which also goes backward
    look = cost.train / 3 if once else cost.read
    answered = cost.write + (0.0 if once else cost.read)
    return {
        # Each span is asked for in place and searched for; for half of them two questions more are written, of short prompts, and read by the reader, too.
        "mine": candidates * (cost.search + 0.3 * cost.read * checked + cost.write + cost.search),
        "sft": rows * sft_epochs * cost.train + looks * dev * (look + answered) + once * (rows + dev) * cost.read,
        "dpo": 2 * dpo_pairs * (cost.read + cost.write)
        + dpo_pairs * 2 * (dpo_epochs * cost.train + look)
        + once * dpo_pairs * cost.read,
        "embedder": rows
        * (1.4 + EXAMPLE * EMBEDDER_EPOCHS)
        * cost.search,  # searched for, for both, and five passages read once more
        "cross-encoder": rows * (1 + WRONG) * EPOCHS * PAIR * cost.search,
        "judging": dev * (8 * cost.read + 12 * cost.write + 4 * cost.search)
        + chunks * PASSAGE * cost.search,  # four generators, then two on four orders
    }


def within(settings: Settings, index: Path, minutes: float, run: str) -> Settings:
    """Measure, and say how long what is left of the run will take; -> the settings, with as many fifths of mine.candidates as the minutes allow, one at least,
    or with as many as the run has mined already."""
    model, device, precision = configured_base(settings)
    sft, dpo = settings.section(SftSettings), settings.section(DpoSettings)
    retriever, mining = open_retriever(settings, index), settings.section(MineSettings)
    cost, done = (
        measure(model, device, precision, sft, retriever),
        [part for stage, part in PARTS.items() if Stage(run, stage).finished],
    )

    def stages(candidates: int) -> dict[str, float]:
        whole = plan(
            cost, len(retriever.chunks), candidates, mining.checked, sft.epochs, dpo.pairs, dpo.epochs, sft.method
        )
        return {part: seconds for part, seconds in whole.items() if part not in done}

    def total(candidates: int) -> float:
        return sum(stages(candidates).values()) / 60

    spans = Stage(run, "mine").result()["spans"] if "mine" in done else most(mining.candidates, total, minutes)
    parts = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in stages(spans).items())
    print(f"training {model.name} on {device} in {precision}; estimate: {total(spans):.0f} min ({parts})", flush=True)
    if "mine" not in done and spans < mining.candidates:
        print(
            f"within {minutes:.0f} min, {spans} spans are mined; all {mining.candidates} with --minutes {MARGIN * total(mining.candidates):.0f}"
        )
    return settings.but(f"mine.candidates={spans}")


def most(candidates: int, minutes_for: Callable[[int], float], minutes: float) -> int:
    """-> the most fifths of the candidates that take no longer than the minutes, one at least. Fifths, so that two measurements on a machine seldom differ."""
    fifths = [max(1, candidates * n // 5) for n in range(5, 0, -1)]
    return next((n for n in fifths if minutes_for(n) <= minutes), fifths[-1])
