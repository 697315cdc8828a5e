"""Orders of passages beside each other, on the same questions: each search alone, both fused, with a cross-encoder's order, and with a trained embedder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.metrics import ranking
from eval.metrics.statistics import mean, paired_bootstrap, percentile
from eval.runs.predict import evidence_ranks, retrieve
from eval.runs.questions import Question
from eval.runs.trial_embedder import trial_retrievers
from rag.core.errors import EvaluationError
from rag.core.sections import RetrievalSettings
from rag.core.settings import Settings
from rag.factory import open_embedder, open_store, open_trained_reranker
from rag.models.cross_encoder import SHIPPED
from rag.models.weight_delta import read_delta_identity
from rag.retrieval.retriever import Hits, Retriever

FUSED = "fused"  # what every other order is compared with
MEASURES: dict[str, Callable[[ranking.Ranks], float]] = {
    **{f"recall@{k}": lambda ranks, k=k: ranking.recall_at(ranks, k) for k in (1, 3, 5, 20)},
    "mrr": ranking.mean_reciprocal_rank,
    "ndcg@10": lambda ranks: ranking.ndcg_at(ranks, 10),
}


class DenseOnly(Retriever):
    def hits(self, question: str, vector) -> tuple[Hits, Hits]:
        return self._snapshot.dense.search(vector, self.settings.candidates), []


class LexicalOnly(Retriever):
    def hits(self, question: str, vector) -> tuple[Hits, Hits]:
        return [], self._snapshot.lexical.search(question, self.settings.candidates)


@dataclass(frozen=True)
class Order:
    """One way to order passages. values: measure -> a value for each question. seconds: of each search."""

    values: dict[str, list[float]]
    seconds: list[float]


def open_orders(
    settings: Settings, index: Path, bench: str, reading: list[Path], ordering: list[Path]
) -> tuple[dict[str, Retriever], list[str]]:
    """-> name: retriever, and what must be said of them. A cross-encoder that was trained on this bench's questions is left out. reading, ordering: folders of
    trained embedders, and of other cross-encoders than the shipped one."""
    record, own = open_store(settings, index), settings.section(RetrievalSettings)
    untrained = trial_retrievers(record, open_embedder(settings), own)
    found = {"BM25": untrained(cls=LexicalOnly), "dense": untrained(cls=DenseOnly), FUSED: untrained()}
    rerankers, notes = {}, []
    for name, delta in {"shipped cross-encoder": SHIPPED, **{str(folder): folder for folder in ordering}}.items():
        if bench in read_delta_identity(delta)["trained_on"]:
            notes.append(f"{name} was trained on {bench}, so it is not measured there")
        else:
            rerankers[name] = open_trained_reranker(settings, delta)
            found[f"{FUSED} + {name}"] = untrained(rerankers[name])
    for folder in reading:
        trained = trial_retrievers(record, open_embedder(settings, folder), own)
        found |= {f"dense, {folder}": trained(cls=DenseOnly), f"{FUSED}, {folder}": trained()}
        found |= {f"{FUSED}, {folder} + {name}": trained(reranker) for name, reranker in rerankers.items()}
    return found, notes


def measure_order(retriever: Retriever, questions: list[Question]) -> Order:
    passages, seconds = retrieve(retriever, questions)
    ranks = [evidence_ranks(q, passages[q.id]) for q in questions]
    return Order({name: [of([pieces]) for pieces in ranks] for name, of in MEASURES.items()}, seconds)


def compare_orders(
    settings: Settings, index: Path, bench: str, questions: list[Question], reading: list[Path], ordering: list[Path]
) -> dict[str, Any]:
    """-> of each order the measures, the milliseconds a question, and the difference to the fused order with its paired interval, over the questions whose
    evidence is known. Raises EvaluationError when there are none."""
    questions = [q for q in questions if q.evidence]
    if not questions:
        raise EvaluationError("no question names its evidence, so retrieval can't be measured")
    named, notes = open_orders(settings, index, bench, reading, ordering)
    found = {name: measure_order(retriever, questions) for name, retriever in named.items()}
    base = found[FUSED].values
    table = {
        name: {
            **{m: mean(values) for m, values in order.values.items()},
            "ms": round(1000 * percentile(order.seconds, 50), 1),
            "ms_95": round(1000 * percentile(order.seconds, 95), 1),
            "against_fused": {m: asdict(paired_bootstrap(base[m], values)) for m, values in order.values.items()}
            if name != FUSED
            else {},
        }
        for name, order in found.items()
    }
    return {"bench": bench, "n": len(questions), "notes": notes, "orders": table}


def as_text(found: dict[str, Any]) -> str:
    """-> the table in Markdown, and each order's difference to the fused one."""
    columns = [*MEASURES, "ms", "ms_95"]
    lines = [f"{found['bench']}: {found['n']} questions with known evidence", *found["notes"], ""]
    lines += [f"| order | {' | '.join(columns)} |", f"| {'--- | ' * (len(columns) + 1)}".strip()]
    lines += [
        f"| {name} | {' | '.join(f'{row[c]:.3f}' if c in MEASURES else f'{row[c]:.0f}' for c in columns)} |"
        for name, row in found["orders"].items()
    ]
    lines += ["", f"minus {FUSED}, with 95 % intervals:"]
    for name, row in found["orders"].items():
        parts = [
            f"{m} {d['difference']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]" for m, d in row["against_fused"].items()
        ]
        lines += [f"  {name}: {', '.join(parts)}"] if parts else []
    return "\n".join(lines)
