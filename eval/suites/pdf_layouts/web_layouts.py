"""Layouts that Chromium prints: columns, side boxes, tables over pages, merged cells, sideways text, pictures."""

from __future__ import annotations

import base64
import zlib
from functools import cache
from typing import Any

from eval.suites.pdf_layouts.content import BERTHS, PROSE, SHEET, STAFF, long_table

STYLE = "body{font:11pt Liberation Serif}h1{font-size:20pt}td,th{padding:2pt 8pt;text-align:left}.r{text-align:right}"
RULED = "table{border-collapse:collapse}td,th{border:1px solid #444}"


def web_layouts() -> dict[str, dict[str, Any]]:
    """Return source, text in reading order and tables of each layout."""
    return {
        "web-two-columns": _columns(2, 0),
        "web-three-columns": _columns(3, 4),
        "web-side-box": _side_box(),
        "web-sidebar": _sidebar(),
        "web-table-plain": _table(STAFF, ""),
        "web-table-ruled": _table(BERTHS, RULED),
        "web-sheet": _table(SHEET, ""),
        "web-merged-cells": _merged(),
        "web-table-over-pages": _over_pages(),
        "web-sideways-label": _sideways(),
        "web-superscripts": _superscripts(),
        "web-picture": _picture(),
    }


def _page(body: str, style: str = "", lang: str = "en") -> str:
    return f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><style>{STYLE}{style}</style>{body}</html>'


def _paragraphs(texts: list[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def soft(text: str) -> str:
    """Return the text with soft hyphens wherever a long word may be broken."""
    dictionary = _hyphens()
    return " ".join(dictionary.inserted(word, "\u00ad") if len(word) > 7 else word for word in text.split())


@cache
def _hyphens() -> Any:
    import pyphen

    return pyphen.Pyphen(lang="en_GB")


def _columns(count: int, start: int) -> dict[str, Any]:
    style = f".c{{columns:{count};column-gap:7mm;text-align:justify}}h2{{column-span:all}}"
    texts = PROSE[start : start + 8]
    body = (
        f"<h1>Letter from the coast</h1><div class=c>{_paragraphs([soft(t) for t in texts[:5]])}<h2>Further news</h2>"
    )
    body += _paragraphs([soft(t) for t in texts[5:]]) + "</div>"
    return {"source": _page(body, style), "text": ["Letter from the coast", *texts[:5], "Further news", *texts[5:]]}


def _side_box() -> dict[str, Any]:
    box = "Opening hours: Monday to Thursday from nine to four, Friday from nine to noon. Closed on public holidays."
    style = ".b{float:right;width:50mm;border:1px solid #333;background:#eee;padding:3mm;margin:0 0 3mm 5mm}"
    body = f"<h1>Harbour office</h1><div class=b>{box}</div>" + _paragraphs(PROSE[2:6])
    return {"source": _page(body, style), "text": ["Harbour office", *PROSE[2:6], box]}


def _sidebar() -> dict[str, Any]:
    points = ["Chair: Lena Farrow", "Treasurer: Adam Quill", "Secretary: Noor Said", "Auditor: Paul Greve"]
    style = ".g{display:grid;grid-template-columns:45mm 1fr;gap:8mm}"
    aside = "<b>Committee</b>" + _paragraphs(points)
    body = f"<h1>Annual letter</h1><div class=g><div>{aside}</div><div>{_paragraphs(PROSE[6:10])}</div></div>"
    return {"source": _page(body, style), "text": ["Annual letter", "Committee", *points, *PROSE[6:10]]}


def _rows(rows: list[list[str]], tag: str = "td") -> str:
    return "".join(
        "<tr>" + "".join(f"<{tag}{' class=r' if n == 3 else ''}>{cell}</{tag}>" for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )


def _table(rows: list[list[str]], style: str) -> dict[str, Any]:
    head = _rows(rows[:1], "th") if len(rows[0]) > 2 else _rows(rows[:1])
    body = f"<h1>Register</h1><p>{PROSE[4]}</p><table>{head}{_rows(rows[1:])}</table><p>{PROSE[5]}</p>"
    return {"source": _page(body, style), "text": ["Register", PROSE[4], PROSE[5]], "tables": [rows]}


def _merged() -> dict[str, Any]:
    body = f"<p>{PROSE[7]}</p><table><tr><th>Line</th><th colspan=2>Departures</th></tr><tr><th></th><th>Summer</th>"
    body += "<th>Winter</th></tr><tr><td rowspan=2>North</td><td>06:10</td><td>07:25</td></tr><tr><td>18:40</td>"
    body += "<td>16:55</td></tr><tr><td>South</td><td colspan=2>11:15</td></tr></table>"
    grid = [
        ["Line", "Departures", None],
        ["", "Summer", "Winter"],
        ["North", "06:10", "07:25"],
        [None, "18:40", "16:55"],
        ["South", "11:15", None],
    ]
    return {"source": _page(body, RULED), "text": [PROSE[7]], "tables": [grid]}


def _over_pages() -> dict[str, Any]:
    rows = long_table(60)
    body = f"<p>{PROSE[8]}</p><table><thead>{_rows(rows[:1], 'th')}</thead>{_rows(rows[1:])}</table><p>{PROSE[9]}</p>"
    return {"source": _page(body, RULED), "text": [PROSE[8], PROSE[9]], "tables": [rows]}


def _sideways() -> dict[str, Any]:
    label = "Valid from the first of May until further notice"
    style = (
        ".v{position:absolute;left:0;top:40mm;writing-mode:vertical-rl;transform:rotate(180deg)}.m{margin-left:15mm}"
    )
    body = f"<div class=v>{label}</div><div class=m><h1>Tariff</h1>{_paragraphs(PROSE[9:12])}</div>"
    return {"source": _page(body, style), "text": ["Tariff", *PROSE[9:12], label]}


def _superscripts() -> dict[str, Any]:
    body = (
        "<h1>Water report</h1><p>The basin has an area of 640 m<sup>2</sup> and holds hard water<sup>1</sup> rich in "
    )
    body += "CaCO<sub>3</sub>. On the 5<sup>th</sup> of June the twenty-one pumps were self-priming<sup>2</sup>.</p>"
    notes = "<sup>1</sup> Above 14 degrees of hardness.<br><sup>2</sup> See the log."
    body += f"<p>{PROSE[8]}</p><p style='font-size:8pt'>{notes}</p>"
    text = (
        "The basin has an area of 640 m2 and holds hard water 1 rich in CaCO3. On the 5th of June the twenty-one pumps "
    )
    text += "were self-priming 2."
    return {
        "source": _page(body),
        "text": ["Water report", text, PROSE[8], "1 Above 14 degrees of hardness.", "2 See the log."],
    }


def _picture() -> dict[str, Any]:
    caption = "Figure 3: The northern quay in the year of its completion."
    image = base64.b64encode(_grey_png(90, 60)).decode()
    picture = f'<img style="width:90mm;height:60mm" src="data:image/png;base64,{image}"><br>{caption}'
    body = f"<p>{PROSE[10]}</p><div>{picture}</div><p>{PROSE[11]}</p>"
    return {"source": _page(body), "text": [PROSE[10], caption, PROSE[11]]}


def _grey_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    rows = b"".join(b"\0" + bytes((x * 2 + y * 3) % 256 for x in range(width)) for y in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
