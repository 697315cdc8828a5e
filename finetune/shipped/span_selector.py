"""Fitting of the span selector: how generator and span scorer are weighed, on documents that neither was trained on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.shipped.calibration_plot import draw_calibration, judge_by_others
from finetune.shipped.question_folder import QuestionFolder
from finetune.shipped.selector_fitting import (
    RIGHT,
    ScoredProposal,
    curve_of,
    fit_weights,
    recalibration_for,
    select_all,
)
from finetune.shipped.span_proposals import ALL, HELD_OUT, STAGE, SpanProposal, propose_spans
from rag.answering.wording.negation import negation_mismatch
from rag.core.errors import TrainingError
from rag.core.jsonl import write_json
from rag.core.settings import Settings
from rag.encoder_factory import open_span_scorer
from rag.labels.passage_sets import is_passage_set, write_bench
from rag.models.adapters import SHIPPED_READER

BASE_SHARE = 0.3  # of the questions, which the base model is asked as well: it has only two numbers to fit


def fit_span_selector(settings: Settings, folders: list[QuestionFolder], out: Path, everything: bool) -> None:
    """Fit selection and confidence for the shipped reader, and the base model's recalibration; write them to `out`.

    folders: people's questions. Only questions about held-out documents count, or all of them where everything is set,
    for weights that were trained on other benches. The curve in the file is on the same questions: ten numbers were
    fitted on hundreds; the picture of the confidence beside it leaves each set out in turn. Raises TrainingError when
    no proposed span is right.
    """
    part = ALL if everything else HELD_OUT
    benches = {folder.path.name: (_bench(folder.path, part), folder.share) for folder in folders}
    proposals = {name: _scored(settings, *bench, part, SHIPPED_READER) for name, bench in benches.items()}
    every = [proposal for of_bench in proposals.values() for proposal in of_bench]
    if not any(proposal.f1 >= RIGHT for proposal in every):
        raise TrainingError(
            "too few questions to fit on: name benches with answerable questions about documents left out of training"
        )
    weights = fit_weights(every)
    base = [p for bench, share in benches.values() for p in _scored(settings, bench, BASE_SHARE * share, part, None)]
    facts: dict[str, Any] = {
        **asdict(weights),
        "base": asdict(recalibration_for(base, weights)),
        "questions": {name: len({p.question for p in each}) for name, each in proposals.items()},
        "curve": [asdict(point) for point in curve_of(select_all(every, weights))],
    }
    write_json(out, facts)
    if judged := judge_by_others(proposals):
        draw_calibration(judged, out.with_suffix(".svg"))
    print("\n".join(map(str, facts["curve"])))
    print(f"{weights}, base {facts['base']}: {out}")


def _bench(folder: Path, part: str) -> Path:
    """Return the folder as a bench; passages with questions are written as one."""
    if not is_passage_set(folder):
        return folder
    written = STAGE.folder / "benches" / f"{folder.name}-{part}" / folder.name
    write_bench(folder, written, part == HELD_OUT)
    return written


def _scored(settings: Settings, bench: Path, share: float, part: str, adapter: Path | None) -> list[ScoredProposal]:
    return score_proposals(settings, propose_spans(settings, bench, part, adapter, share))


def score_proposals(settings: Settings, proposals: list[SpanProposal]) -> list[ScoredProposal]:
    """Return the proposals with the features that the selector weighs."""
    scorer = open_span_scorer(settings)
    read = dict.fromkeys((p.question, p.passage) for p in proposals)
    scores = {(question, passage): scorer.score(question, [passage])[0] for question, passage in read}
    return [
        ScoredProposal(
            p.question_id,
            p.document,
            p.answerable,
            p.logprob,
            scores[p.question, p.passage].span_score(p.start, p.end),
            negation_mismatch(p.question, p.evidence.partition("\n")[2]),  # without the headings above the sentence
            " ".join(p.passage[p.start : p.end].split()),
            p.f1,
            p.in_sentence,
        )
        for p in proposals
    ]
