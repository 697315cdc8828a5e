"""What mined rows teach: the base is tuned on them alone, and on as many of people's questions about other documents; both are then asked people's questions
about the documents that were mined."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from finetune.data.rows import TrainingRow, read_rows
from finetune.data.split import DEV, TRAIN
from finetune.generator.adapter_folder import base_identity, write_adapter
from finetune.generator.base_model import load_trainable
from finetune.generator.configured_base import configured_base
from finetune.generator.peft_methods import find_method
from finetune.generator.sft import sft_trainer
from finetune.generator.trainer_setup import train_adapter
from finetune.mining.mine import mine
from finetune.mining.round_trip import RoundTrip
from finetune.settings import MineSettings, SftSettings
from finetune.shipped.bench import held_out, index_bench
from finetune.shipped.reader import REACH, reader_rows
from rag.answering.answer_type import expected_type
from rag.answering.span_scorer import SpanScores, best_span_paths
from rag.answering.span_selector import SpanSelector
from rag.core.errors import TrainingError
from rag.core.jsonl import read_lines, write_lines
from rag.core.run_folder import Stage
from rag.core.sections import PrefixSettings
from rag.core.settings import Settings
from rag.core.text_metrics import normalize, token_f1
from rag.factory import open_generator, open_span_selector
from rag.generation import prompt
from rag.generation.generator import Generator
from rag.generation.kv_cache import make_prefix_cache
from rag.models.adapters import IDENTITY
from rag.retrieval.retriever import Passage, Retriever

MINED, PEOPLE = "mined", "people"


@dataclass(frozen=True)
class Asked:
    """A question of people's, the answers that are right (none where the passages have none), what is shown, and what boundaries say of that."""

    id: str
    question: str
    answers: tuple[str, ...]
    passages: tuple[Passage, ...]
    marks: tuple[SpanScores, ...]


@dataclass(frozen=True)
class Said:
    """Of one question. f1: token F1 of the generator's likeliest span. doubt: natural log-probability of the refusal less that of this span. served: token
    F1 of the span that generator and boundaries choose together, likely: how likely that is right."""

    id: str
    answerable: bool
    f1: float
    doubt: float
    served: float
    likely: float


class Teaching:
    """One bench's documents mined, another's questions for comparison; all that is made stays in the run's folder, and is not made twice."""

    def __init__(self, settings: Settings, bench: Path, other: Path, run: str, sample: int):
        """sample: answerable questions about the bench's left-out documents, and unanswerable ones, at most."""
        self._settings, self._run, folder = settings, run, Stage(run, "index").folder
        self._retriever = index_bench(settings, bench, folder)
        self._people = reader_rows(index_bench(settings, other, folder / "other"), other / "questions.jsonl")
        self._cache = make_prefix_cache(settings.section(PrefixSettings))
        self._chooser = open_span_selector(settings)
        self.asked = list(questions(bench, self._retriever, self._chooser, sample))

    def mined(self, writer: Generator, round_trip: RoundTrip | None, seed: int) -> Stage:
        """-> the stage with rows mined from the bench's documents, none of anybody's questions among them."""
        stage = Stage(self._run, f"mine-{seed}")
        if not stage.finished:
            settings = replace(self._settings.section(MineSettings), seed=seed)
            mine(stage, self._retriever, writer, round_trip, configured_base(self._settings)[0].digest, settings)
        return stage

    def tell(self, who: str, stage: Stage, seed: int) -> list[Said]:
        """-> what is said by the base tuned on mined rows, or on as many of people's."""
        train, dev = (read_rows(stage.folder / f"{name}.jsonl") for name in (TRAIN, DEV))
        if who == PEOPLE:
            train, dev = like(self._people, train, dev, random.Random(seed))
        return self._said(f"{who}-{seed}", lambda folder: self._train(folder, train, dev))

    def tell_base(self) -> list[Said]:
        """The base on the precision that it is served with."""
        return self._said("base", lambda folder: None)

    def _train(self, folder: Path, train: list[TrainingRow], dev: list[TrainingRow]) -> Path:
        out = folder / "adapter"
        if not (out / IDENTITY).exists():
            sft = replace(self._settings.section(SftSettings), start="")
            base = load_trainable(*configured_base(self._settings), self._settings.section(PrefixSettings))
            trainer = sft_trainer(folder, base, train, dev, sft)
            train_adapter(trainer, folder.name, False)
            at_question = find_method(sft.method).at_question
            write_adapter(trainer, out, at_question)
            (out / IDENTITY).write_text(json.dumps(base_identity(base, sft.method, at_question)))
        return out

    def _said(self, name: str, adapter: Callable[[Path], Path | None]) -> list[Said]:
        stage = Stage(self._run, name)
        path = stage.folder / "said.jsonl"
        if not path.exists():
            generator = open_generator(self._settings, adapter(stage.folder), self._cache)
            write_lines(
                path,
                [
                    asdict(say(generator, asked, self._chooser))
                    for asked in tqdm(self.asked, desc=name, unit=" questions")
                ],
            )
        return [Said(**line) for line in read_lines(path)]


def like(
    people: list[TrainingRow], train: list[TrainingRow], dev: list[TrainingRow], rng: random.Random
) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """-> people's rows, as many answerable ones and refusals as are in `train`, and of the rest as many as `dev` has. Raises TrainingError when there are too
    few."""
    chosen = []
    for answerable in (True, False):
        theirs, count = (
            [row for row in people if bool(row.cited) == answerable],
            sum(bool(row.cited) == answerable for row in train),
        )
        if len(theirs) < count:
            raise TrainingError(
                f"people have asked {len(theirs)} such questions, and {count} were mined: mine fewer spans, --set mine.candidates=100"
            )
        chosen += rng.sample(theirs, count)
    taken = {row.id for row in chosen}
    rest = [row for row in people if row.id not in taken]
    return chosen, rng.sample(rest, min(len(rest), len(dev)))


def questions(bench: Path, retriever: Retriever, chooser: SpanSelector, most: int) -> Iterator[Asked]:
    """-> people's questions about documents that only measure. Where nobody has asked what they do not answer, the same questions come again without the
    passages that hold an answer."""
    left = [asked for asked in read_lines(bench / "questions.jsonl") if held_out(asked["document"])]
    rng = random.Random(0)
    answerable, others = ([asked for asked in left if bool(asked["answers"]) == kind] for kind in (True, False))
    if not answerable:
        raise TrainingError(f"{bench} has no answerable question about a document that is left out of training")
    picked = [rng.sample(kind, min(most, len(kind))) for kind in (answerable, others)]
    for asked in tqdm([*picked[0], *picked[1]], desc="searching", unit=" questions", delay=1):
        found, width = retriever.search(asked["question"], REACH), retriever.settings.passages
        yield _asked(asked["id"], asked, found[:width], chooser)
        if not others:
            without = [
                p for p in found if not any(normalize(answer) in normalize(p.chunk.text) for answer in asked["answers"])
            ]
            yield _asked(f"{asked['id']} without", {**asked, "answers": []}, without[:width], chooser)


def _asked(id: str, asked: dict, passages: list[Passage], chooser: SpanSelector) -> Asked:
    return Asked(
        id,
        asked["question"],
        tuple(asked["answers"]),
        tuple(passages),
        tuple(chooser.score(asked["question"], passages)),
    )


def say(generator: Generator, asked: Asked, chooser: SpanSelector) -> Said:
    """-> the generator's word for spans and for the refusal, and what is served of it. Without a span it refuses."""
    chunks, passages, marks = [p.chunk for p in asked.passages], list(asked.passages), list(asked.marks)
    refused = prompt.render(generator.tokenizer, asked.question, chunks, prompt.REFUSAL)
    tokens, refusal = (
        prompt.render(generator.tokenizer, asked.question, chunks),
        refused.completion,
    )
    also = partial(best_span_paths, scores=marks, chunks=chunks)
    spans, scores = generator.propose_spans(tokens, chunks, refusal, expected_type(asked.question), also)
    choice = chooser.select(asked.question, spans, passages, marks)
    if not spans or choice is None:
        return Said(asked.id, bool(asked.answers), 0.0, float("inf"), 0.0, 0.0)
    best = max(spans, key=lambda span: span.logprob)
    place = best.places[0]
    text = place.text(chunks[place.passage - 1])
    f1, served = (token_f1(each, asked.answers) if asked.answers else 0.0 for each in (text, choice.text))
    return Said(asked.id, bool(asked.answers), f1, sum(scores) - best.logprob, served, choice.probability)
