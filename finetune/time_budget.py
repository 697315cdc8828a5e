"""How long training will take on this machine, and, where minutes are given, how many spans can be mined in them.

The estimate comes from one timed step on random tokens of the usual length. It changes what is trained only where the
user gives minutes: else a busy machine would train another model than an idle one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from transformers import DynamicCache

from finetune.generator.base_model import TrainableModel, load_trainable, use_prefix_attention
from finetune.generator.configured_base import configured_base
from finetune.generator.peft_methods import find_method
from finetune.generator.sft import adapter_to_train
from finetune.generator.trainer_setup import EVALUATIONS, ROWS_AT_ONCE
from finetune.retriever import cross_encoder, embedder
from finetune.settings import DpoSettings, MineSettings, SftSettings
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import open_retriever
from rag.models.resolve import LocalModel
from rag.retrieval.passage import Passage

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROW_TOKENS = 520  # a usual row has 430; the rest stands for padding and the optimizer's step
AFTER_PREFIX = 40  # of these, question and answer
PREFILL_ROWS = 4  # prompts encoded together
ANSWER_TOKENS = 24  # of a usual output
QUESTION = "When was the harbour's oldest crane last inspected, and by whom?"  # any of a usual length

# Rows of each part that one mined span gives, on average.
TRAIN_ROWS, DEV_ROWS, GATE_ROWS = 0.5, 0.1, 0.1
SPANS_PER_ROW = 1.5  # of the held-out passages, which are asked about further until the gate has its questions
# Costs of training embedder and cross-encoder, in searches; in one search the cross-encoder reads 12 pairs.
PAIR_STEP = 0.4  # a training step of the cross-encoder, for a pair
EMBEDDER_STEP = 0.65  # a training step of the embedder, for a question with two passages
HARD_NEGATIVES = 1.4  # finding those of a row for both, and scoring five passages once more
PASSAGE = 0.07  # encoding a passage with the embedder

SPARE = 1.2  # minutes to name for all spans, as a multiple of their estimate: the next one may be higher
# A stage's name in the run, and its name in the estimate.
STAGES = {
    "mine": "mine",
    "sft": "sft",
    "dpo": "dpo",
    embedder.STAGE: "embedder",
    cross_encoder.STAGE: "cross-encoder",
}


class Index(Protocol):
    """What the estimate needs of a retriever."""

    def search(self, question: str) -> list[Passage]: ...


@dataclass(frozen=True)
class Cost:
    """Seconds of the parts of training.

    train: of a row's step, forward and backward. prefill: of encoding its prompt. generate: of its answer in a batch.
    search: of one search.
    """

    train: float
    prefill: float
    generate: float
    search: float


def measure_cost(model: LocalModel, device: str, precision: str, settings: SftSettings, index: Index) -> Cost:
    """Time one step of each kind of work, and return the better of two runs, which leaves out start-up costs."""
    base, method = load_trainable(model, device, precision), find_method(settings.method)
    batch = settings.batch if method.at_question else min(settings.batch, ROWS_AT_ONCE)
    ids = torch.randint(5, base.model.config.vocab_size, (batch, ROW_TOKENS), device=device)
    prefill, generate = _time_inference(base.model, ids)
    train = _time_training_step(base, settings, ids)
    return Cost(train / batch, prefill, generate, _best_seconds(lambda: index.search(QUESTION)))


def _time_inference(base: PreTrainedModel, ids: torch.Tensor) -> tuple[float, float]:
    """Return the seconds that a row's prompt takes, and those of its answer."""
    with torch.inference_mode():
        few = ids[:PREFILL_ROWS]
        prefill = _best_seconds(lambda: base.base_model(few)) / len(few)
        cache = base(ids[:, :8], use_cache=True).past_key_values
        token = _best_seconds(lambda: base(ids[:, :1], past_key_values=cache)) / len(ids)
    return prefill, ANSWER_TOKENS * token


def _time_training_step(base: TrainableModel, settings: SftSettings, ids: torch.Tensor) -> float:
    """Return the seconds of a step of the adapter that SFT starts from, with the tokens that the method trains on."""
    at_question = find_method(settings.method).at_question
    tuned = adapter_to_train(base, settings).train()
    prefix = None
    if at_question:
        use_prefix_attention(base.model, base.device)
        with torch.no_grad():
            prefix = tuned(ids[:, :-AFTER_PREFIX], use_cache=True, logits_to_keep=1).past_key_values
    trained = ids[:, -AFTER_PREFIX:] if at_question else ids
    autocast = torch.autocast(
        torch.device(base.device).type, torch.bfloat16, enabled=base.model.dtype == torch.bfloat16
    )

    def step() -> None:
        cache = copy_cache(prefix) if prefix else None
        with autocast:
            out = tuned(input_ids=trained, past_key_values=cache, use_cache=at_question, logits_to_keep=1)
            out.logits.float().logsumexp(-1).mean().backward()

    return _best_seconds(step)


def copy_cache(cache: DynamicCache) -> DynamicCache:
    """Return a cache with the same keys and values, which can grow while the one given stays."""
    copied = DynamicCache()
    for number, layer in enumerate(cache.layers):
        copied.update(layer.keys, layer.values, number)
    return copied


def _best_seconds(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def estimate_stages(
    cost: Cost, chunks: int, mine: MineSettings, sft: SftSettings, dpo: DpoSettings
) -> dict[str, float]:
    """Return the seconds of each stage for mine.candidates spans, before anything is mined.

    chunks: of the index, which a trained embedder encodes anew to be judged.
    """
    train, dev, gate = (mine.candidates * share for share in (TRAIN_ROWS, DEV_ROWS, GATE_ROWS))
    missing = max(0.0, mine.gate - gate)
    spans = mine.candidates + SPANS_PER_ROW * missing
    evaluations = max(EVALUATIONS, sft.epochs)
    at_question = find_method(sft.method).at_question
    # On cached passages an evaluation costs a third of a training step, which also goes backward.
    evaluate = cost.train / 3 if at_question else cost.prefill
    answer = cost.generate + (0.0 if at_question else cost.prefill)
    encode_once = cost.prefill if at_question else 0.0
    reading = 0.3 * cost.prefill * mine.checked
    return {
        # A cloze question and a search for each span. For half of them two questions more are written from short
        # prompts, and the generator must find the span again.
        "mine": spans * (2 * cost.search + cost.generate + reading),
        "sft": train * sft.epochs * cost.train + evaluations * dev * (evaluate + answer) + (train + dev) * encode_once,
        "dpo": 2 * dpo.pairs * (cost.prefill + cost.generate)
        + 2 * dpo.pairs * (dpo.epochs * cost.train + evaluate)
        + dpo.pairs * encode_once,
        "embedder": train * (HARD_NEGATIVES + EMBEDDER_STEP * embedder.EPOCHS) * cost.search,
        "cross-encoder": train * (1 + cross_encoder.NEGATIVES) * cross_encoder.EPOCHS * PAIR_STEP * cost.search,
        # Three generators answer the dev questions, then two answer the gate questions with four retrievers.
        "judging": (dev + gate + missing) * (8 * cost.prefill + 12 * cost.generate + 4 * cost.search)
        + chunks * PASSAGE * cost.search,
    }


def plan_run(settings: Settings, index: Path, minutes: float | None, run: str) -> Settings:
    """Print how long the rest of the run will take, and return the settings with the number of spans to mine.

    Without minutes all spans of mine.candidates are mined, however slow the machine. With minutes it is as many fifths
    of them as the estimate allows, one at least. A run that has been mined keeps the number it has.
    """
    model, device, precision = configured_base(settings)
    retriever = open_retriever(settings, index)
    mine, sft, dpo = settings.section(MineSettings), settings.section(SftSettings), settings.section(DpoSettings)
    cost = measure_cost(model, device, precision, sft, retriever)
    done = {part for stage, part in STAGES.items() if Stage(run, stage).finished}

    def stages(spans: int) -> dict[str, float]:
        planned = settings.but(f"mine.candidates={spans}").section(MineSettings)
        seconds = estimate_stages(cost, len(retriever.chunks), planned, sft, dpo)
        return {part: value for part, value in seconds.items() if part not in done}

    def total_minutes(spans: int) -> float:
        return sum(stages(spans).values()) / 60

    spans = mine.candidates
    if "mine" in done:
        spans = Stage(run, "mine").result()["spans"]
    elif minutes is not None:
        spans = fitting_spans(mine.candidates, total_minutes, minutes)
    parts = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in stages(spans).items())
    print(f"training {model.name} on {device} in {precision}; estimate: {total_minutes(spans):.0f} min ({parts})")
    if spans < mine.candidates and "mine" not in done:
        whole = SPARE * total_minutes(mine.candidates)
        print(
            f"--minutes {minutes:g} at the speed measured now: {spans} of {mine.candidates} spans are mined; "
            f"a slower or busier machine would mine fewer. All of them: --minutes {whole:.0f}, or no --minutes; "
            f"the same {spans} every time: --set mine.candidates={spans}",
            flush=True,
        )
    return settings.but(f"mine.candidates={spans}")


def fitting_spans(candidates: int, minutes_for: Callable[[int], float], minutes: float) -> int:
    """Return the most fifths of the candidates that take no longer than the minutes, one fifth at least.

    Fifths, so that two measurements on one machine seldom give different numbers.
    """
    fifths = [max(1, candidates * n // 5) for n in range(5, 0, -1)]
    return next((n for n in fifths if minutes_for(n) <= minutes), fifths[-1])
