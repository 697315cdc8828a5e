"""What mined rows teach the base, compared with as many rows of people's questions about other documents.

The base is tuned on either kind alone. All generators then answer people's questions about held-out documents.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from finetune.data.rows import TrainingRow, read_rows
from finetune.data.split import DEV, TRAIN
from finetune.experiments.held_out_questions import Prediction, held_out_questions, predict
from finetune.generator.adapter_folder import base_identity, write_adapter, write_identity
from finetune.generator.base_model import load_trainable
from finetune.generator.configured_base import configured_base
from finetune.generator.peft_methods import find_method
from finetune.generator.sft import sft_trainer
from finetune.generator.trainer_setup import train_adapter
from finetune.mining.mine import mine
from finetune.mining.round_trip import RoundTrip
from finetune.settings import MineSettings, SftSettings
from finetune.shipped.bench import bench_files, index_bench
from finetune.shipped.reader import reader_rows
from finetune.shipped.span_proposals import proposal_versions, proposal_weights
from rag.core.errors import TrainingError
from rag.core.jsonl import digest_of, read_lines, write_lines
from rag.core.run_folder import Stage, as_run_name
from rag.core.sections import PrefixSettings
from rag.core.settings import Settings
from rag.factory import open_generator, open_span_selector, selector_weights
from rag.generation.base_models import BaseModels
from rag.generation.generator import Generator
from rag.models.adapters import IDENTITY
from rag.models.cross_encoder import SHIPPED as CROSS_ENCODER
from rag.models.weight_delta import DELTA_FILE

WEIGHTS = "adapter_model.safetensors"
MINED, PEOPLE = "mined", "people"  # kinds of training rows
# Raise it by hand when mining, training or this comparison gives other figures for the same benches, writer, settings
# and weights; see PROPOSALS_VERSION for the rules of spans.
COMPARISON_VERSION = "1"


def comparison_run(settings: Settings, bench: Path, other: Path, writer: Path, sample: int) -> str:
    """Return the name of a run for one comparison, which changes with all that the comparison depends on."""
    weights = [
        writer / "adapter_model.safetensors",
        *proposal_weights(settings),
        selector_weights(settings),
        CROSS_ENCODER / DELTA_FILE,
    ]
    versions = [f"comparison {COMPARISON_VERSION}", str(sample), *proposal_versions(settings)]
    key = digest_of(versions, [*weights, *bench_files(bench), *bench_files(other)])
    return as_run_name(f"against-people-{bench.resolve().name}-{key}")


class Comparison:
    """A comparison on two benches; all that is made stays in the run's folder and is not made twice."""

    def __init__(self, settings: Settings, bench: Path, other: Path, run: str, sample: int) -> None:
        """bench: its documents are mined, and its questions about held-out documents are asked.

        other: its questions become people's rows. sample: how many answerable questions are asked at most, and how many
        unanswerable ones.
        """
        self._settings, self._run, folder = settings, run, Stage(run, "index").folder
        self._retriever = index_bench(settings, bench, folder)
        self._human_rows = reader_rows(index_bench(settings, other, folder / "other"), other / "questions.jsonl")
        self._bases = BaseModels(settings.section(PrefixSettings))
        self._selector = open_span_selector(settings)
        self.questions = list(held_out_questions(bench, self._retriever, self._selector, sample))

    def mine_rows(self, writer: Generator, round_trip: RoundTrip | None, seed: int) -> Stage:
        """Mine rows from the bench's documents, with no person's question among them, and return their stage."""
        stage = Stage(self._run, f"mine-{seed}")
        if not stage.finished:
            settings = replace(self._settings.section(MineSettings), seed=seed)
            base = configured_base(self._settings)[0].digest
            mine(stage, self._retriever, writer, round_trip, base, settings)
        return stage

    def predict_tuned(self, kind: str, mined: Stage, seed: int) -> list[Prediction]:
        """Return the answers of the base tuned on mined rows, or on as many of people's. kind: MINED or PEOPLE."""
        train, dev = (read_rows(mined.folder / f"{part}.jsonl") for part in (TRAIN, DEV))
        if kind == PEOPLE:
            train, dev = match_human_rows(self._human_rows, train, dev, random.Random(seed))
        return self._predict(f"{kind}-{seed}", lambda folder: self._train(folder, train, dev))

    def predict_base(self) -> list[Prediction]:
        """Return the answers of the base, at the precision that it is served with."""
        return self._predict("base", lambda folder: None)

    def _train(self, folder: Path, train: list[TrainingRow], dev: list[TrainingRow]) -> Path:
        out = folder / "adapter"
        if not (out / IDENTITY).exists():
            sft = replace(self._settings.section(SftSettings), start="")
            base = load_trainable(*configured_base(self._settings), self._settings.section(PrefixSettings))
            trainer = sft_trainer(folder, base, train, dev, sft)
            train_adapter(trainer, folder.name, True)
            at_question = find_method(sft.method).at_question
            write_adapter(trainer, out, at_question)
            write_identity(out, base_identity(base, sft.method, at_question))
        return out

    def _predict(self, name: str, make_adapter: Callable[[Path], Path | None]) -> list[Prediction]:
        stage = Stage(self._run, name)
        path = stage.folder / "predictions.jsonl"
        if not path.exists():
            generator = open_generator(self._settings, make_adapter(stage.folder), self._bases)
            questions = tqdm(self.questions, desc=name, unit=" questions")
            write_lines(path, [asdict(predict(generator, question, self._selector)) for question in questions])
        return [Prediction(**line) for line in read_lines(path)]


def match_human_rows(
    human: Sequence[TrainingRow], train: Sequence[TrainingRow], dev: Sequence[TrainingRow], rng: random.Random
) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Sample people's rows: as many answerable ones and refusals as `train` has, and others, as many as `dev` has.

    Raises TrainingError when there are too few.
    """
    chosen: list[TrainingRow] = []
    for answerable in (True, False):
        of_kind = [row for row in human if bool(row.cited) == answerable]
        count = sum(bool(row.cited) == answerable for row in train)
        if len(of_kind) < count:
            raise TrainingError(
                f"people have asked {len(of_kind)} such questions, and {count} were mined: mine fewer spans, "
                "--set mine.candidates=100"
            )
        chosen += rng.sample(of_kind, count)
    taken = {row.id for row in chosen}
    rest = [row for row in human if row.id not in taken]
    return chosen, rng.sample(rest, min(len(rest), len(dev)))
