"""Reports read what a run wrote: tables on screen, report.md, and report.html (eval.report.page), all from the files in the run's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval.report.page import render_page
from eval.runs.summary import read_summary

Figures = dict[str, Any]
COLUMNS: tuple[tuple[str, Callable[[Figures], Any]], ...] = (
    ("n", lambda g: g["n"]),
    ("answerable", lambda g: g["n_answerable"]),
    ("answered", lambda g: g["answered"]),
    ("exact match", lambda g: g["exact_match"]),
    ("F1", lambda g: g["f1"]),
    ("contains", lambda g: g["contains"]),
    ("F1 over all", lambda g: g["squad2_f1"]),
    ("citation precision", lambda g: g["citation_precision"]),
    ("citation recall", lambda g: g["citation_recall"]),
    ("literal quotes", lambda g: g["literal_quotes"]),
    ("groundedness", lambda g: g["groundedness"]),
    ("relevance", lambda g: g["relevance"]),
    ("refusal precision", lambda g: g["refusal"]["precision"]),
    ("refusal recall", lambda g: g["refusal"]["recall"]),
    ("refusal F1", lambda g: g["refusal"]["f1"]),
    ("hallucination rate", lambda g: g["hallucination_rate"]),
    ("ECE", lambda g: g["ece"]),
    ("coverage-accuracy area", lambda g: g["coverage_area"]),
    ("perplexity", lambda g: g["perplexity"]),
    ("tokens read", lambda g: g["tokens"]["read"]),
    ("tokens written", lambda g: g["tokens"]["written"]),
    ("failures", lambda g: g["failures"]),
)
IN_GROUPS = (
    "n", "answerable", "answered", "exact match", "F1", "F1 over all", "citation precision", "citation recall", "groundedness", "refusal F1",
    "hallucination rate", "perplexity",
)  # fmt: skip
BY = (("by_part", "By part of the corpus"), ("by_kind", "By kind of question"), ("by_document", "By document"))

Table = tuple[str, list[str], list[list[str]]]


def tables(summary: Figures) -> list[Table]:
    """-> (title, header, rows) of each table."""
    generators = summary["generators"]
    found = [_comparison(c) for c in summary["comparisons"]]
    names = [name for name, _ in COLUMNS if name not in ("n", "answerable")]
    read = dict(COLUMNS)
    found.append(
        (
            "Answers",
            ["", *generators],
            [[name, *(cell(read[name](g)) for g in generators.values())] for name in names] if generators else [],
        )
    )
    found += [_latency(summary), _memory(generators), _drop(generators), _forgetting(summary), _retrieval(summary)]
    found += [_grouped(title, generators, key) for key, title in BY]
    return [table for table in found if table[2]]


def _comparison(compared: Figures) -> Table:
    head = ["", compared["a"], compared["b"], "difference", "95 % interval", "n", "wins / ties / losses", "McNemar p"]
    rows = [
        [name + ("" if m["better"] > 0 else " (less is better)"), cell(m["a"]), cell(m["b"]), *_interval(m), str(m["n"]),
         f"{m['wins']} / {m['ties']} / {m['losses']}", _p(m.get("mcnemar_p"))]
        for name, m in compared["measures"].items() if m["n"]
    ]  # fmt: skip
    return f"{compared['b']} against {compared['a']}, paired by question", head, rows


def _interval(d: Figures) -> tuple[str, str]:
    return f"{d['difference']:+.3f}", f"{d['low']:+.3f} to {d['high']:+.3f}"


def _p(p: float | None) -> str:
    return "< 0.001" if p is not None and p < 0.001 else cell(p)


def _latency(summary: Figures) -> Table:
    rows = [
        [name, *(cell(g["latency_s"][k]) for k in ("first_token_p50", "p50", "p95", "n"))]
        for name, g in summary["generators"].items()
        if "latency_s" in g
    ]
    return "Seconds of an answer, asked one at a time", ["", "first token p50", "p50", "p95", "n"], rows


def _memory(generators: dict[str, Figures]) -> Table:
    head = ["", "exact match", "F1", "contains", "perplexity"]
    rows = []
    for name, g in generators.items():
        for what, figures in (("with passages", g), ("from memory", g.get("closed_book"))):
            if figures:
                rows.append(
                    [f"{name}, {what}", *(cell(figures[k]) for k in ("exact_match", "f1", "contains", "perplexity"))]
                )
    return (
        "Reading and memory: answerable questions, open and closed book",
        head,
        rows if any(g.get("closed_book") for g in generators.values()) else [],
    )


def _drop(generators: dict[str, Figures]) -> Table:
    drops = [(f"{name}: {measure}", d) for name, g in generators.items() for measure, d in g["drop"].items()]
    rows = [
        [title, cell(d["seen"]), cell(d["new"]), *_interval(d), f"{d['n_seen']} / {d['n_new']}"] for title, d in drops
    ]
    return (
        "New documents against those seen in training",
        ["", "seen", "new", "new minus seen", "95 % interval", "n seen / new"],
        rows,
    )


def _forgetting(summary: Figures) -> Table:
    rows = [
        [name, cell(summary["generators"][name]["instructions"]["followed"]), *_interval(d), str(d["n"]), _p(d["mcnemar_p"]),
         str(len(d["lost"])), str(len(d["gained"]))]
        for name, d in summary.get("forgetting", {}).items()
    ]  # fmt: skip
    return (
        "General instructions followed, change by training",
        ["", "followed", "change", "95 % interval", "n", "McNemar p", "lost", "gained"],
        rows,
    )


def _retrieval(summary: Figures) -> Table:
    if "retrieval" not in summary:
        return "Retrieval", [], []
    groups = {"all": summary["retrieval"], **summary["retrieval_by_kind"]}
    return (
        "Retrieval",
        ["questions", *summary["retrieval"]],
        [[name, *map(cell, row.values())] for name, row in groups.items()],
    )


def _grouped(title: str, generators: dict[str, Figures], key: str) -> Table:
    read = dict(COLUMNS)
    groups = {f"{group}: {name}": figures for name, g in generators.items() for group, figures in g[key].items()}
    rows = [[name, *(cell(read[c](figures)) for c in IN_GROUPS)] for name, figures in sorted(groups.items())]
    return title, ["", *IN_GROUPS], rows if len(rows) > len(generators) else []


def cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def headline(summary: Figures) -> str:
    return "; ".join(c["verdict"] for c in summary["comparisons"]) or f"{summary['n']} questions"


def as_text(summary: Figures) -> str:
    """-> the tables for a terminal, but for the long one by document; what must be known first stands first."""
    parts = [*summary["notes"], headline(summary)]
    for title, head, rows in tables(summary):
        if title == BY[-1][1]:
            continue
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = [
            "  ".join(
                text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in [head, *rows]
        ]
        parts.append("\n".join([title, *lines]))
    return "\n\n".join(parts)


def as_markdown(summary: Figures) -> str:
    parts = [
        *summary["notes"],
        f"# {headline(summary)}",
        *(f"{name}: {made_by(m)}" for name, m in summary.get("made_by", {}).items()),
    ]
    for title, head, rows in tables(summary):
        lines = [head, ["---"] * len(head), *rows]
        parts.append(f"## {title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join(parts) + "\n"


def made_by(made: Figures) -> str:
    return f"{made['model']}{' + ' + made['adapter'] if made['adapter'] else ''} on {made['device']} in {made['precision']}"


def write_report(folder: Path) -> None:
    """report.md and report.html, from the folder's files."""
    summary = read_summary(folder)
    (folder / "report.md").write_text(as_markdown(summary), encoding="utf-8")
    (folder / "report.html").write_text(
        render_page(folder, summary, headline(summary), tables(summary), made_by), encoding="utf-8"
    )
