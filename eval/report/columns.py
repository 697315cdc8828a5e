"""The columns of the tables about generators: how each is read from the figures of a generator."""

from __future__ import annotations

from collections.abc import Callable

from eval.metrics.prediction import Figures

Column = Callable[[Figures], float | int | None]
ANSWERS: dict[str, Column] = {
    "n": lambda g: g["n"],
    "answerable": lambda g: g["n_answerable"],
    "answered": lambda g: g["answered"],
    "exact match": lambda g: g["exact_match"],
    "F1": lambda g: g["f1"],
    "contains": lambda g: g["contains"],
    "F1 over all": lambda g: g["squad2_f1"],
    "right refusals": lambda g: g["refusal"]["recall"],
    "refusal precision": lambda g: g["refusal"]["precision"],
    "refusal F1": lambda g: g["refusal"]["f1"],
    "right citations": lambda g: g.get("right_citations"),
    "citation precision": lambda g: g["citation_precision"],
    "citation recall": lambda g: g["citation_recall"],
    "literal quotes": lambda g: g["literal_quotes"],
    "ECE": lambda g: g["ece"],
    "coverage-accuracy area": lambda g: g["coverage_area"],
    "perplexity": lambda g: g["perplexity"],
    "tokens read": lambda g: g["tokens"]["read"],
    "tokens written": lambda g: g["tokens"]["written"],
    "failures": lambda g: g["failures"],
}
CHECKS: dict[str, Column] = {
    "groundedness": lambda g: g["groundedness"],
    "hallucinated": lambda g: g["hallucination_rate"],
    "relevance": lambda g: g["relevance"],
}
IN_GROUPS = ("n", "answerable", "answered", "F1", "F1 over all", "right refusals", "refusal F1", "right citations")
