"""Orders of passages compared on the same questions: each search alone, fused, reordered, with trained weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from eval.metrics import ranking
from eval.metrics.prediction import Figures
from eval.metrics.statistics import mean, paired_bootstrap, percentile
from eval.runs.predict import evidence_ranks, retrieve
from eval.runs.questions import Question
from eval.runs.trial_embedder import trial_retrievers
from rag.core.errors import EvaluationError
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.encoder_factory import open_small_span_scorer, open_trained_reranker
from rag.factory import open_embedder, open_store
from rag.models.cross_encoder import SHIPPED
from rag.models.span_scorer import SHIPPED as SPANS
from rag.models.weight_delta import read_delta_identity
from rag.retrieval.reranking import Reranker
from rag.retrieval.retriever import Hits, Retriever

FUSED = "fused"  # every other order is compared with it
SPAN_SCORER, SHIPPED_NAME = "span scorer", "shipped cross-encoder"


def _recall(k: int) -> Callable[[ranking.Ranks], float]:
    return lambda ranks: ranking.recall_at(ranks, k)


def _ndcg(ranks: ranking.Ranks) -> float:
    return ranking.ndcg_at(ranks, 10)


MEASURES: dict[str, Callable[[ranking.Ranks], float]] = {
    **{f"recall@{k}": _recall(k) for k in (1, 3, 5, 20)},
    "mrr": ranking.mean_reciprocal_rank,
    "ndcg@10": _ndcg,
}


class DenseOnly(Retriever):
    """A retriever that searches by embedding alone."""

    def hits(self, question: str, vector: np.ndarray, only: np.ndarray | None = None) -> tuple[Hits, Hits]:
        """Return the hits of the dense search, and none of BM25."""
        return self.snapshot.dense.search(vector, self.settings.candidates, only), []


class LexicalOnly(Retriever):
    """A retriever that searches by BM25 alone."""

    def hits(self, question: str, vector: np.ndarray, only: np.ndarray | None = None) -> tuple[Hits, Hits]:
        """Return no hits of the dense search, and those of BM25."""
        return [], self.snapshot.lexical.search(question, self.settings.candidates, only)


@dataclass(frozen=True)
class Order:
    """One way to order passages. values: by measure, for each question. seconds: of each search."""

    values: dict[str, list[float]]
    seconds: list[float]


def open_orders(
    settings: Settings, index: Path, bench: str, embedders: list[Path], cross_encoders: list[Path]
) -> tuple[dict[str, Retriever], list[str]]:
    """Return a retriever for each order by name, and notes for the reader.

    embedders, cross_encoders: folders of trained weights to compare as well. A reranker that was trained on this
    bench's questions is left out, with a note.
    """
    store, own = open_store(settings, index), settings.section(RetrievalSettings)
    untrained = trial_retrievers(store, open_embedder(settings), own)
    found = {"BM25": untrained(cls=LexicalOnly), "dense": untrained(cls=DenseOnly), FUSED: untrained()}
    rerankers, notes = _rerankers(settings, bench, cross_encoders)
    found |= {f"{FUSED} + {name}": untrained(reranker) for name, reranker in rerankers.items()}
    for folder in embedders:
        trained = trial_retrievers(store, open_embedder(settings, folder), own)
        found |= {f"dense, {folder}": trained(cls=DenseOnly), f"{FUSED}, {folder}": trained()}
        found |= {f"{FUSED}, {folder} + {name}": trained(reranker) for name, reranker in rerankers.items()}
    return found, notes


def _rerankers(settings: Settings, bench: str, cross_encoders: list[Path]) -> tuple[dict[str, Reranker], list[str]]:
    """Return the rerankers to compare by name, and a note on each that was trained on the bench's questions."""
    rerankers: dict[str, Reranker] = {}
    notes = []
    weights = {SPAN_SCORER: SPANS, SHIPPED_NAME: SHIPPED, **{str(folder): folder for folder in cross_encoders}}
    for name, delta in weights.items():
        if bench in read_delta_identity(delta)["trained_on"]:
            notes.append(f"{name} was trained on {bench}, so it is not measured there")
        elif name == SPAN_SCORER:
            rerankers[name] = open_small_span_scorer(settings)
        else:
            rerankers[name] = open_trained_reranker(settings, delta)
    return rerankers, notes


def measure_order(retriever: Retriever, questions: list[Question]) -> Order:
    """Search for each question, and measure the order of its passages."""
    passages, seconds = retrieve(retriever, questions)
    ranks = [evidence_ranks(q, passages[q.id]) for q in questions]
    return Order({name: [measure([pieces]) for pieces in ranks] for name, measure in MEASURES.items()}, seconds)


def compare_orders(
    settings: Settings, index: Path, bench: str, questions: list[Question], embedders: list[Path], rerankers: list[Path]
) -> Figures:
    """Measure each order over the questions with known evidence, with paired differences to the fused order.

    Raises EvaluationError where no question names its evidence.
    """
    questions = [q for q in questions if q.evidence]
    if not questions:
        raise EvaluationError("no question names its evidence, so retrieval can't be measured")
    retrievers, notes = open_orders(settings, index, bench, embedders, rerankers)
    orders = {name: measure_order(retriever, questions) for name, retriever in retrievers.items()}
    table = {name: _figures(order, orders[FUSED] if name != FUSED else None) for name, order in orders.items()}
    return {"bench": bench, "n": len(questions), "notes": notes, "orders": table}


def _figures(order: Order, fused: Order | None) -> Figures:
    against = {m: asdict(paired_bootstrap(fused.values[m], order.values[m])) for m in MEASURES} if fused else {}
    return {
        **{measure: mean(values) for measure, values in order.values.items()},
        "ms": round(1000 * percentile(order.seconds, 50), 1),
        "ms_95": round(1000 * percentile(order.seconds, 95), 1),
        "against_fused": against,
    }


def as_text(found: Figures) -> str:
    """Format the orders as a Markdown table, and each one's difference to the fused order."""
    columns = [*MEASURES, "ms", "ms_95"]
    lines = [f"{found['bench']}: {found['n']} questions with known evidence", *found["notes"], ""]
    lines += [f"| order | {' | '.join(columns)} |", f"| {'--- | ' * (len(columns) + 1)}".strip()]
    for name, row in found["orders"].items():
        cells = (f"{row[column]:.3f}" if column in MEASURES else f"{row[column]:.0f}" for column in columns)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"difference to {FUSED}, with 95 % intervals:"]
    lines += [f"  {name}: {_differences(row)}" for name, row in found["orders"].items() if row["against_fused"]]
    return "\n".join(lines)


def _differences(row: Figures) -> str:
    differences = row["against_fused"].items()
    return ", ".join(f"{m} {d['difference']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]" for m, d in differences)
