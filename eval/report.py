"""Reports read what a run wrote: a table on screen, report.md, and report.html with a plot, all of the same summary."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import Any

COLUMNS = (
    ("n", lambda g: g["n_answerable"]),
    ("exact match", lambda g: g["exact_match"]),
    ("F1", lambda g: g["f1"]),
    ("citation precision", lambda g: g["citation_precision"]),
    ("citation recall", lambda g: g["citation_recall"]),
    ("refusal precision", lambda g: g["refusal"]["precision"]),
    ("refusal recall", lambda g: g["refusal"]["recall"]),
    ("refusal F1", lambda g: g["refusal"]["f1"]),
    ("perplexity", lambda g: g["perplexity"]),
    ("failures", lambda g: g["failures"]),
    ("p50 s", lambda g: g["latency_s"]["p50"]),
)
PLOTTED = ("exact match", "F1", "citation precision", "citation recall", "refusal F1")

STYLE = """
body { font: 15px/1.5 system-ui; max-width: 1100px; margin: 2em auto; padding: 0 1em }
table { display: block; overflow-x: auto; border-collapse: collapse }
td, th { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
img { max-width: 100% }
summary { cursor: pointer }
.no { color: #a33 }
"""

Table = tuple[str, list[str], list[list[str]]]


def tables(summary: dict[str, Any]) -> list[Table]:
    """-> (title, header, rows) of each table."""
    found = [_retrieval_table(summary), _generator_table("Answers", {name: g for name, g in summary["generators"].items()})]
    for key, title in (("by_kind", "Answers by kind of question"), ("by_part", "Answers by part of the corpus")):
        groups = {f"{group}: {name}": row for name, g in summary["generators"].items() for group, row in g[key].items()}
        found.append(_generator_table(title, dict(sorted(groups.items()))))
    if "comparison" in summary:
        differences = [(name, d) for name, d in summary["comparison"].items() if isinstance(d, dict)]
        rows = [[name, *(f"{d[key]:+.3f}" for key in ("difference", "low", "high")), str(d["n"])] for name, d in differences]
        found.append(("Tuned minus base, paired, 95 % bootstrap interval", ["measure", "difference", "low", "high", "n"], rows))
    return found


def _retrieval_table(summary: dict[str, Any]) -> Table:
    groups = {"all": summary["retrieval"], **summary["retrieval_by_kind"]}
    return "Retrieval", ["questions", *summary["retrieval"]], [[name, *(f"{v:.3f}" for v in row.values())] for name, row in groups.items()]


def _generator_table(title: str, groups: dict[str, dict]) -> Table:
    return title, ["", *(name for name, _ in COLUMNS)], [[name, *(_cell(read(row)) for _, read in COLUMNS)] for name, row in groups.items()]


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def headline(summary: dict[str, Any]) -> str:
    return summary.get("comparison", {}).get("verdict") or f"{summary['n']} questions"


def as_text(summary: dict[str, Any]) -> str:
    """-> the tables for a terminal."""
    parts = [headline(summary)]
    for title, head, rows in tables(summary):
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = ["  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))) for row in [head, *rows]]
        parts.append("\n".join([title, *lines]))
    return "\n\n".join(parts)


def as_markdown(summary: dict[str, Any]) -> str:
    parts = [f"# {headline(summary)}", f"{summary['generator']['model']} on {summary['generator']['device']} in {summary['generator']['precision']}"]
    for title, head, rows in tables(summary):
        lines = [head, ["---"] * len(head), *rows]
        parts.append(f"## {title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join(parts) + "\n"


def as_html(summary: dict[str, Any], predictions: dict[str, list[dict]]) -> str:
    """-> one self-contained page: verdict, plot, tables, and every question with each generator's answer."""
    parts = [f"<h1>{html.escape(headline(summary))}</h1>", f'<img alt="bars of each measure by generator" src="data:image/png;base64,{plot(summary)}">']
    for title, head, rows in tables(summary):
        cells = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
        parts.append(f"<h2>{title}</h2><table><tr>{''.join(f'<th>{c}</th>' for c in head)}</tr>{cells}</table>")
    parts.append("<h2>Questions</h2>" + "".join(_question(list(predictions), rows) for rows in zip(*predictions.values(), strict=True)))
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>ragtune evaluation</title><style>{STYLE}</style>{"".join(parts)}</html>'


def _question(names: list[str], rows: tuple[dict, ...]) -> str:
    first = rows[0]
    wanted = "; ".join(first.get("answers", [])[:3]) or "not in the documents"
    said = "".join(_said(name, row) for name, row in zip(names, rows, strict=True))
    return f"<details><summary>{html.escape(first.get('question', first['id']))} <i>({html.escape(wanted)})</i></summary>{said}</details>"


def _said(name: str, row: dict) -> str:
    if row.get("error"):
        return f'<p class="no"><b>{name}</b> failed: {html.escape(row["error"])}</p>'
    quotes = "; ".join(f"{c['document']}: “{' '.join(c['quote'].split())}”" for c in row["cited"])
    return f"<p><b>{name}</b> {html.escape(row['text'])} <i>{html.escape(quotes)}</i> F1 {row['f1']:.2f}, confidence {row['confidence']:.2f}</p>"


def plot(summary: dict[str, Any]) -> str:
    """-> base64 PNG: a group of bars a measure, one bar a generator."""
    from matplotlib.figure import Figure

    read = dict(COLUMNS)
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.subplots()
    generators = list(summary["generators"].items())
    for i, (name, row) in enumerate(generators):
        places = [x + i * 0.8 / len(generators) for x in range(len(PLOTTED))]
        bars = axes.bar(places, [read[m](row) for m in PLOTTED], 0.75 / len(generators), label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=8)
    axes.set_xticks([x + 0.4 - 0.4 / len(generators) for x in range(len(PLOTTED))], PLOTTED)
    axes.set_ylim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=130)
    return base64.b64encode(buffer.getvalue()).decode()


def write_report(folder: Path, summary: dict[str, Any], predictions: dict[str, list[dict]]) -> None:
    (folder / "report.md").write_text(as_markdown(summary), encoding="utf-8")
    (folder / "report.html").write_text(as_html(summary, predictions), encoding="utf-8")
