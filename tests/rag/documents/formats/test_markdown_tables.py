"""Tables in Markdown: rows with cells in place of pipes, and all other characters as they are."""

import json

import pytest

from rag.documents.formats.text.notebook import parse_notebook
from rag.documents.formats.text.plain_text import parse_markdown


def read(text: str) -> str:
    return parse_markdown(text.encode()).text


TABLES = {
    "pipes around": (
        "| Hut | Beds |\n|---|--:|\n| Alm | 8 |\n| Joch | 12 |\n",
        "Hut: Alm; Beds: 8\nHut: Joch; Beds: 12\n",
    ),
    "no pipes around": ("Hut | Beds\n:-- | ---\nAlm | 8\n", "Hut: Alm; Beds: 8\n"),
    "no end of line": ("| Hut | Beds |\n|---|---|\n| Alm | 8 |", "Hut: Alm; Beds: 8\n"),
    "escaped pipes": ("| Sign | Use |\n|---|---|\n| a \\| b | or |\n", "Sign: a | b; Use: or\n"),
    "a pipe in code": ("| Sign | Use |\n|---|---|\n| `x|y` | union |\n", "Sign: x|y; Use: union\n"),
    "an escaped pipe in code": ("| Sign | Use |\n|---|---|\n| `x\\|y` | union |\n", "Sign: x|y; Use: union\n"),
    "cells beyond the header": ("| Hut | Beds |\n|---|---|\n| Alm | 8 | shut |\n", "Hut: Alm; Beds: 8; shut\n"),
    "too few cells": ("| Hut | Beds |\n|---|---|\n| Alm |\n", "Hut: Alm\nColumns without a value: Beds\n"),
    "an empty header": ("| | |\n|---|---|\n| Span | 140 m |\n| Lanes | 2 |\n", "Span: 140 m\nLanes: 2\n"),
    "data in place of a header": ("| Span | 140 m |\n|---|---|\n| Lanes | 2 |\n", "Span: 140 m\nLanes: 2\n"),
    "no rows": ("| Hut | Beds |\n|---|---|\n", "Hut; Beds\n"),
    "marks in cells": (
        "| **Hut** | Beds |\n|---|---|\n| *Alm* <br> `A_1` | ~~7~~ 8 |\n| 2*3*4 &amp; snake_case | [9](x.md) |\n",
        "Hut: Alm A_1; Beds: 7 8\nHut: 2*3*4 & snake_case; Beds: 9\n",
    ),
    "links": (
        "| Hut | Site |\n|---|---|\n| Alm | [map](https://alm.example/map) |\n| Joch | <https://joch.example> |\n",
        "Hut: Alm; Site: map (https://alm.example/map)\nHut: Joch; Site: https://joch.example\n",
    ),
    "a list": (
        "- huts\n\n  | Hut | Beds |\n  |---|---|\n  | Alm | 8 |\n\n- boots\n",
        "- huts\n\nHut: Alm; Beds: 8\n\n- boots\n",
    ),
    "a quotation": ("> Huts:\n>\n> | Hut | Beds |\n> |---|---|\n> | Alm | 8 |\n", "> Huts:\n>\nHut: Alm; Beds: 8\n"),
    "HTML": (
        "Huts\n\n<table>\n<tr><th>Hut<th>Beds\n\n<tr><td rowspan=2>Alm<td>8\n<tr><td>9\n</table>\n\nend\n",
        "Huts\n\nHut: Alm; Beds: 8\nHut: Alm; Beds: 9\n\nend\n",
    ),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_with(table):
    given, wanted = TABLES[table]
    assert read(given) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "```\n| Hut | Beds |\n|---|---|\n| Alm | 8 |\n```\n",
        "words\n\n    | Hut | Beds |\n    |---|---|\n    | Alm | 8 |\n",
        "a | b\n\n--- | ---\n",
        "| Hut | Beds |\n| Alm | 8 |\n",
        "Use `| a |` and\n---\nthen | b |.\n",
        "<table><tr><td><img src=alm.png></td></tr></table>\n",
        "<table><tr><td>never closed\n\nwords\n",
    ],
)
def test_what_is_no_table_stays_as_it_is(text):
    assert read(text) == text


def test_headings_hidden_text_and_cells_are_where_they_should_be():
    text = (
        "# Huts\n\n<!-- | a | b |\n|---|---|\n| 1 | 2 | -->\n\nOpen in:\n\n| Hut | Opens <!-- no --> |\n"
        "|---|---|\n| Alm | May |\n"
        "| # 5 | June |\n\n## Boots\n\nBring <!-- new --> boots.\n"
    )
    parsed = parse_markdown(text.encode())
    assert "<!-- | a | b |" in parsed.text and "<!-- new -->" in parsed.text
    shown = [(s.headings, parsed.text[s.start : s.end].strip()) for s in parsed.sections]
    assert [each for each in shown if each[1]] == [
        (("Huts",), "# Huts"),
        (("Huts",), "Open in:"),
        (("Huts", "Open in"), "Hut: Alm; Opens: May\nHut: # 5; Opens: June"),
        (("Huts", "Boots"), "## Boots\n\nBring"),
        (("Huts", "Boots"), "boots."),
    ]
    cells = [(c.row, c.row_name, c.column, parsed.text[c.start : c.end]) for s in parsed.sections for c in s.cells]
    assert cells == [
        (0, "Alm", "Hut", "Alm"),
        (0, "Alm", "Opens", "May"),
        (1, "# 5", "Hut", "# 5"),
        (1, "# 5", "Opens", "June"),
    ]


def test_all_but_the_tables_stays_character_for_character():
    around = ["# A\n\nwords  with   spaces\t\n", "\n\n\n* item\n\n---\n\nSet\n===\n", "\n`code` | pipe\n"]
    table = "| Hut | Beds |\n|---|---|\n| Alm | 8 |\n"
    assert read(table.join(around)) == "Hut: Alm; Beds: 8\n".join(around)


def test_tables_of_notebooks_are_numbered_through():
    table = "| Hut | Beds |\n|---|---|\n| {} | 8 |\n"
    cells = [{"cell_type": "markdown", "source": table.format(name)} for name in ("Alm", "Joch")]
    cells.insert(1, {"cell_type": "code", "source": "beds = 8", "outputs": []})
    parsed = parse_notebook(json.dumps({"cells": cells, "metadata": {}}).encode())
    found = [(c.row, parsed.text[c.start : c.end]) for s in parsed.sections for c in s.cells if c.column == "Hut"]
    assert found == [(0, "Alm"), (1, "Joch")] and "beds = 8" in parsed.text


@pytest.mark.parametrize(
    "text",
    [
        "> " * 2000 + "| a | b |\n" + "> " * 2000 + "|---|---|\n",
        "|" * 50_000 + "\n|---|---|\n",
        "|-|-\n" * 20_000,
        "|-|\n" + "<table>\n" * 20_000,
        "- " * 3000 + "\n|-|\n",
    ],
)
def test_texts_that_only_look_like_tables_cost_little(text):
    assert parse_markdown(text.encode()).text
