"""report.html: one self-contained page with the verdict, cards, plots, tables and a browser of single questions."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval.report.plots import plots
from eval.runs.compare import SCORED
from eval.runs.summary import PASSAGES
from rag.core.jsonl import read_lines

ASSETS = Path(__file__).parent / "assets"
CARDS = (
    ("f1", "F1, answerable"), ("exact_match", "exact match"), ("citation_precision", "citation precision"),
    ("refusal", "refusal F1"), ("hallucination_rate", "hallucination rate"), ("coverage_area", "coverage-accuracy area"),
)  # fmt: skip
META = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
FOLDED = 14  # rows from which a table is folded away

Figures = dict[str, Any]


def render_page(folder: Path, summary: Figures, headline: str, tables: list, made_by: Callable[[Figures], str]) -> str:
    """-> the page; single questions come from the folder's scored predictions and passages."""
    data = browser_data(folder, summary)
    told = (
        ("At a glance", _figures(summary)),
        ("Tables", "".join(map(_table, tables))),
        ("Questions", '<div id="browser"></div>'),
    )
    sections = [(id, *pair) for id, pair in zip(("plots", "tables", "questions"), told, strict=True)]
    body = "".join(f'<section id="{id}"><h2>{title}</h2>{content}</section>' for id, title, content in sections)
    links = "".join(f'<a href="#{id}">{title}</a>' for id, title, _ in sections)
    packed = json.dumps(data, ensure_ascii=False, allow_nan=False).replace(
        "<", "\\u003c"
    )  # a passage may hold a closing tag
    script = f'<script type="application/json" id="data">{packed}</script><script>{_asset("browse.js")}</script>'
    head = f"{META}<title>ragtune evaluation</title><style>{_asset('style.css')}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{_header(summary, headline, made_by)}<nav>{links}</nav>{body}{script}</body></html>\n'


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _header(summary: Figures, headline: str, made_by: Callable[[Figures], str]) -> str:
    notes = "".join(f'<p class="notes">{html.escape(note)}</p>' for note in summary["notes"])
    who = "; ".join(f"{name}: {made_by(made)}" for name, made in summary.get("made_by", {}).items())
    cards = "".join(_card(key, title, summary["generators"]) for key, title in CARDS)
    kicker = f'<p class="kicker">ragtune evaluation · {summary["n"]} questions</p>'
    said, _, figures = headline.partition(": ")
    lede = "".join(f'<p class="lede">{html.escape(text)}</p>' for text in (figures, who) if text)
    return f'<header>{notes}{kicker}<h1>{html.escape(said)}</h1>{lede}<div class="cards">{cards}</div></header>'


def _card(key: str, title: str, generators: dict[str, Figures]) -> str:
    values = {name: g[key]["f1"] if key == "refusal" else g[key] for name, g in generators.items()}
    (*others, (_, last)) = ((name, "–" if value is None else f"{value:.3f}") for name, value in values.items())
    small = ", ".join(f"{name} {value}" for name, value in others)
    return f'<div class="card"><b>{last}</b><span>{title}</span><small>{html.escape(small)}</small></div>'


def _figures(summary: Figures) -> str:
    first, *others = (
        f"{svg}<figcaption>{html.escape(caption)}</figcaption></figure>" for caption, svg in plots(summary)
    )
    return f'<figure class="wide">{first}' + "".join(f"<figure>{other}" for other in others)


def _table(table: tuple[str, list[str], list[list[str]]]) -> str:
    title, head, rows = table
    cells = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    shown = f'<div class="scroll"><table><thead><tr>{"".join(f"<th>{html.escape(c)}</th>" for c in head)}</tr></thead><tbody>{cells}</tbody></table></div>'
    name = html.escape(title)
    return (
        f"<details><summary>{name}</summary>{shown}</details>"
        if len(rows) > FOLDED and title != "Answers"
        else f"<h3>{name}</h3>{shown}"
    )


def browser_data(folder: Path, summary: Figures) -> Figures:
    """-> what the page's browser shows: names, passages once each, and every question with what each generator said."""
    names = list(summary["generators"])
    said = [read_lines(folder / f"{name}{SCORED}") for name in names]
    shown = {row["id"]: row["passages"] for row in read_lines(folder / PASSAGES)}
    numbers: dict[tuple, int] = {}
    passages: list[Figures] = []
    for chunk in (chunk for chunks in shown.values() for chunk in chunks):
        key = (chunk["document"], chunk["start"], chunk["end"])
        if key not in numbers:
            numbers[key] = len(passages)
            place = " › ".join([chunk["document"].rsplit("/", 1)[-1], *chunk["headings"]]) + (
                f", page {chunk['page']}" if chunk["page"] else ""
            )
            passages.append({**{name: chunk[name] for name in ("document", "start", "end", "text")}, "place": place})
    questions = []
    for rows in zip(*said, strict=True):
        first = {name: rows[0][name] for name in ("id", "question", "answers", "kind", "document", "evidence")}
        here = [numbers[chunk["document"], chunk["start"], chunk["end"]] for chunk in shown.get(rows[0]["id"], ())]
        questions.append(
            {**first, "part": rows[0].get("part", ""), "passages": here, "said": [_said(row) for row in rows]}
        )
    return {"names": names, "passages": passages, "questions": questions}


def _said(row: Figures) -> Figures:
    if row.get("error"):
        return {"error": row["error"]}
    measures = row["measures"]
    told = zip(row["cited"], measures["cites"], strict=True)
    cites = [{"passage": c.get("passage"), "start": c["start"], "end": c["end"], "right": right} for c, right in told]
    grounded = None if measures["grounded"] is None else measures["grounded"] == 1.0
    shown = {name: row.get(name) for name in ("text", "output", "refused", "confidence")}
    return {
        **shown,
        "f1": round(measures["f1"], 3),
        "right": measures["right"],
        "grounded": grounded,
        "citations": cites,
    }
