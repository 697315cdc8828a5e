"""A model behind an OpenAI-compatible endpoint, another or a larger one, on the questions and passages of a finished run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tqdm import tqdm

from eval.runs.compare import SCORED, compare_generators, read_scored
from eval.runs.evaluate import score_all
from eval.runs.predict import prediction_row
from eval.runs.questions import Question, parse_question
from eval.runs.summary import PASSAGES, GeneratorPredictions, summarize_one
from rag.answering.answer import generated_answer
from rag.answering.answerer import ScoredAnswer
from rag.core.chunk import Chunk
from rag.core.jsonl import read_lines, write_lines
from rag.core.settings import Settings
from rag.generation import prompt
from rag.generation.chat_endpoint import Endpoint
from rag.generation.generator import Generation
from rag.retrieval.retriever import Passage

BATCH = 8  # questions between two looks at the clock


def ask_peer(settings: Settings, run: Path, endpoint: Endpoint) -> dict[str, Any]:
    """Ask the endpoint's model what the run's generators were asked, in the same messages, and hold its answers to the same contract: what no passage shown
    bears out is a refusal. -> its figures, and each of the run's generators against it. Keeps peer.NAME.scored.jsonl in the run's folder.

    Raises EndpointError when it can't be asked; what it has answered is kept."""
    name, others = re.sub(r"[^\w.-]+", "-", endpoint.settings.model), read_scored(run)
    first = next(iter(others.values()))
    passages = {row["id"]: [_passage(chunk) for chunk in row["passages"]] for row in read_lines(run / PASSAGES)}
    questions = [parse_question(row, str(run)) for row in first]
    rows = [prediction_row(q, told) for q, told in zip(questions, _told(endpoint, questions, passages), strict=True)]
    said = GeneratorPredictions(rows, [], [], {})
    score_all(settings, {name: said}, passages, {row["document"]: row["part"] for row in first})
    write_lines(run / f"peer.{name}{SCORED}", said.rows)
    comparisons = [compare_generators(name, said.rows, other, before) for other, before in others.items()]
    return {
        "notes": [endpoint.usage()],
        "n": len(rows),
        "generators": {name: summarize_one(said.rows)},
        "comparisons": comparisons,
    }


def _passage(chunk: dict[str, Any]) -> Passage:
    return Passage(Chunk(**{**chunk, "headings": tuple(chunk["headings"])}), 0.0, None)


def _told(endpoint: Endpoint, questions: list[Question], passages: dict[str, list[Passage]]) -> list[ScoredAnswer]:
    told = []
    with tqdm(total=len(questions), desc=endpoint.settings.model, unit=" questions") as bar:
        for at in range(0, len(questions), BATCH):
            batch = questions[at : at + BATCH]
            replies = endpoint.complete([prompt.messages(q.question, [p.chunk for p in passages[q.id]]) for q in batch])
            told += [
                ScoredAnswer(generated_answer(Generation(reply, []), passages[q.id]), 0, 0, [])
                for q, reply in zip(batch, replies, strict=True)
            ]
            bar.update(len(batch))
    return told
