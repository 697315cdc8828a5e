"""The tables of a report, built from a run's summary."""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.prediction import Figures
from eval.report.columns import ANSWERS, CHECKS, IN_GROUPS
from eval.report.glossary import DIAGNOSTICS, EQUAL_REFUSALS
from eval.runs.compare import DIAGNOSTIC

BY = {"by_part": "By part of the corpus", "by_kind": "By kind of question", "by_document": "By document"}
FOLDED = 14  # rows from which the page folds a table


@dataclass(frozen=True)
class Table:
    """A table of a report. text: one or two sentences on what it shows. diagnostic: whether it only gives hints."""

    title: str
    text: str
    head: list[str]
    rows: list[list[str]]
    diagnostic: bool = False

    @property
    def folded(self) -> bool:
        """Return whether the page folds it, since it is long."""
        return len(self.rows) > FOLDED and not self.title.startswith("Answers")

    @property
    def by_document(self) -> bool:
        """Return whether it has a row for every document, too many for a terminal."""
        return self.title == BY["by_document"]


def tables(summary: Figures) -> list[Table]:
    """Return the tables that have rows, comparisons first and diagnostics last."""
    generators = summary["generators"]
    found = [table for c in summary["comparisons"] for table in (_comparison(c), _equal_refusals(c))]
    found += [_answers(generators), _latency(summary), _memory(generators), _new_documents(generators)]
    found += [
        _forgetting(summary),
        _retrieval(summary),
        *(_grouped(title, generators, key) for key, title in BY.items()),
    ]
    return [table for table in [*found, _diagnostics(summary)] if table.rows]


def _comparison(compared: Figures) -> Table:
    a, b = compared["a"], compared["b"]
    head = ["", a, b, "difference", "95 % interval", "n", "wins / ties / losses", "McNemar p"]
    rows = [_measure_row(name, m) for name, m in compared["measures"].items() if m["n"] and name not in DIAGNOSTIC]
    text = f"Both answered the same questions from the same passages; a difference is {b} minus {a}."
    return Table(f"{b} against {a}, paired by question", text, head, rows)


def _measure_row(name: str, m: Figures) -> list[str]:
    counts = f"{m['wins']} / {m['ties']} / {m['losses']}"
    label = name if m["better"] > 0 else f"{name} (less is better)"
    return [label, cell(m["a"]), cell(m["b"]), *_interval(m), str(m["n"]), counts, _p(m.get("mcnemar_p"))]


def _equal_refusals(compared: Figures) -> Table:
    a, b = compared["a"], compared["b"]
    head = ["refused", f"F1 {a}", f"F1 {b}", "difference", f"right citations {a}", b, "difference", "answered"]
    points = compared.get("equal_refusals", [])
    rows = [_equal_row(point, a if n == 0 else "") for n, point in enumerate(points)]
    return Table(f"{b} against {a}, at equal right refusals", EQUAL_REFUSALS, head, rows)


def _equal_row(point: Figures, baseline: str) -> list[str]:
    a, b, differences = point["a"], point["b"], point["differences"]
    label = cell(point["share"]) + (f", as {baseline} at its own threshold" if baseline else "")
    cells = [label]
    for measure in ("f1", "right_citations"):
        cells += [cell(a[measure]), cell(b[measure]), with_interval(differences[measure])]
    return [*cells, f"{a['answered']:.3f} / {b['answered']:.3f}"]


def with_interval(d: Figures) -> str:
    """Format a difference with its interval."""
    return f"{d['difference']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]"


def _interval(d: Figures) -> tuple[str, str]:
    return f"{d['difference']:+.3f}", f"{d['low']:+.3f} to {d['high']:+.3f}"


def _p(p: float | None) -> str:
    return "< 0.001" if p is not None and p < 0.001 else cell(p)


def _answers(generators: dict[str, Figures]) -> Table:
    names = [name for name in ANSWERS if name not in ("n", "answerable")]
    rows = [[name, *(cell(ANSWERS[name](g)) for g in generators.values())] for name in names] if generators else []
    text = "All measures of each generator over all questions; what each one means stands below the tables."
    return Table("Answers", text, ["", *generators], rows)


def _latency(summary: Figures) -> Table:
    keys = ("first_token_p50", "p50", "p95", "n")
    timed = {name: g["latency_s"] for name, g in summary["generators"].items() if "latency_s" in g}
    rows = [[name, *(cell(seconds[key]) for key in keys)] for name, seconds in timed.items()]
    text = "Median (p50) and 95th percentile, asked one at a time on passages that were not read before."
    return Table("Seconds of an answer, asked one at a time", text, ["", "first token p50", "p50", "p95", "n"], rows)


def _memory(generators: dict[str, Figures]) -> Table:
    head = ["", "exact match", "F1", "contains", "perplexity"]
    sources = [
        (f"{name}, {source}", figures)
        for name, g in generators.items()
        for source, figures in (("with passages", g), ("from memory", g.get("closed_book")))
        if figures
    ]
    rows = [[name, *(cell(f[k]) for k in ("exact_match", "f1", "contains", "perplexity"))] for name, f in sources]
    text = "The same questions with passages and without: what a generator answers without them it knew by heart."
    closed = any(g.get("closed_book") for g in generators.values())
    return Table("Reading and memory: answerable questions, open and closed book", text, head, rows if closed else [])


def _new_documents(generators: dict[str, Figures]) -> Table:
    drops = [(f"{name}: {measure}", d) for name, g in generators.items() for measure, d in g["drop"].items()]
    rows = [
        [title, cell(d["seen"]), cell(d["new"]), *_interval(d), f"{d['n_seen']} / {d['n_new']}"] for title, d in drops
    ]
    head = ["", "seen", "new", "new minus seen", "95 % interval", "n seen / new"]
    text = "Questions about documents that came after training, minus those about documents that were trained on."
    return Table("New documents against those seen in training", text, head, rows)


def _forgetting(summary: Figures) -> Table:
    rows = []
    for name, d in summary.get("forgetting", {}).items():
        instructions = summary["generators"][name].get("instructions")
        if instructions:
            counts = [str(d["n"]), _p(d["mcnemar_p"]), str(len(d["lost"])), str(len(d["gained"]))]
            rows.append([name, cell(instructions["followed"]), *_interval(d), *counts])
    head = ["", "followed", "change", "95 % interval", "n", "McNemar p", "lost", "gained"]
    text = "The share of general instructions that is still followed, and the change from the first generator."
    return Table("General instructions followed, change by training", text, head, rows)


def _retrieval(summary: Figures) -> Table:
    if "retrieval" not in summary:
        return Table("Retrieval", "", [], [])
    groups = {"all": summary["retrieval"], **summary["retrieval_by_kind"]}
    rows = [[name, *map(cell, row.values())] for name, row in groups.items()]
    text = "How well the evidence is found; all generators saw the same passages."
    return Table("Retrieval", text, ["questions", *summary["retrieval"]], rows)


def _grouped(title: str, generators: dict[str, Figures], key: str) -> Table:
    groups = {f"{group}: {name}": figures for name, g in generators.items() for group, figures in g[key].items()}
    rows = [[name, *(cell(ANSWERS[c](figures)) for c in IN_GROUPS)] for name, figures in sorted(groups.items())]
    text = "The same measures for each group of questions alone."
    return Table(title, text, ["", *IN_GROUPS], rows if len(rows) > len(generators) else [])


def _diagnostics(summary: Figures) -> Table:
    generators = summary["generators"]
    rows = (
        [[name, *(cell(read(g)) for g in generators.values())] for name, read in CHECKS.items()] if generators else []
    )
    width = len(generators)
    for compared in summary["comparisons"]:
        for name in DIAGNOSTIC & compared["measures"].keys():
            label = f"{name}, {compared['b']} minus {compared['a']}"
            rows.append([label, with_interval(compared["measures"][name]), *[""] * (width - 1)])
    return Table("Groundedness check", DIAGNOSTICS, ["", *(generators or ["difference"])], rows, True)


def cell(value: float | int | None) -> str:
    """Format a number as a table shows it."""
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
