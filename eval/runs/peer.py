"""A model behind an OpenAI-compatible endpoint, on the questions and passages of a finished run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.metrics.prediction import Figures, Prediction
from eval.runs.compare import compare_generators
from eval.runs.predict import PassagesById, prediction_row
from eval.runs.questions import Question, parse_question
from eval.runs.scored_files import SCORED, read_scored
from eval.runs.scoring import score_all
from eval.runs.summary import PASSAGES, GeneratorPredictions, summarize_one
from rag.answering.answer import generated_answer
from rag.answering.answerer import ScoredAnswer
from rag.core.chunk import Chunk
from rag.core.jsonl import read_lines, write_lines
from rag.core.settings import Settings
from rag.generation import prompt
from rag.generation.chat_endpoint import Endpoint
from rag.generation.generator import Generation
from rag.retrieval.passage import Passage

BATCH = 8  # questions between two updates of the progress bar


def ask_peer(settings: Settings, run: Path, endpoint: Endpoint) -> Figures:
    """Ask the endpoint's model the run's questions in the same messages, and hold its answers to the same contract.

    What no passage supports counts as a refusal. Returns the model's measures and a comparison with each of the run's
    generators; peer.NAME.scored.jsonl in the run's folder keeps its predictions. Raises EndpointError where the model
    can't be asked; what it has answered is kept.
    """
    name, others = re.sub(r"[^\w.-]+", "-", endpoint.settings.model), read_scored(run)
    baseline = next(iter(others.values()))
    passages = {row["id"]: [_passage(chunk) for chunk in row["passages"]] for row in read_lines(run / PASSAGES)}
    questions = [parse_question(row, str(run)) for row in baseline]
    predictions = GeneratorPredictions(_predict(endpoint, questions, passages), [], [], {})
    score_all(settings, {name: predictions}, passages, {row["document"]: row["part"] for row in baseline})
    write_lines(run / f"peer.{name}{SCORED}", predictions.rows)
    return {
        "notes": [endpoint.usage()],
        "n": len(predictions.rows),
        "generators": {name: summarize_one(predictions.rows)},
        "comparisons": [compare_generators(name, predictions.rows, other, rows) for other, rows in others.items()],
    }


def _passage(chunk: dict[str, Any]) -> Passage:
    return Passage(Chunk.from_dict(chunk), 0.0, None)


def _predict(endpoint: Endpoint, questions: list[Question], passages: PassagesById) -> list[Prediction]:
    rows: list[Prediction] = []
    with tqdm(total=len(questions), desc=endpoint.settings.model, unit=" questions") as bar:
        for at in range(0, len(questions), BATCH):
            batch = questions[at : at + BATCH]
            replies = endpoint.complete([prompt.messages(q.question, [p.chunk for p in passages[q.id]]) for q in batch])
            answers = [
                generated_answer(Generation(reply, []), passages[q.id], question=q.question)
                for q, reply in zip(batch, replies, strict=True)
            ]
            rows += [prediction_row(q, ScoredAnswer(a, 0, 0, []), False) for q, a in zip(batch, answers, strict=True)]
            bar.update(len(batch))
    return rows
