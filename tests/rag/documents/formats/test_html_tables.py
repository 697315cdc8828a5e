"""Tables and definition lists of HTML pages."""

import pytest

from rag.documents.formats.text.html import parse_page

TABLES = {
    "a cell that spans rows": (
        "<tr><th>Pool<th>Day<th>Opens<tr><td rowspan=2>Spa<td>Mon<td>07:00<tr><td>Sun<td>09:00"
        "<tr><td>Lido<td>Mon<td>06:30",
        [
            "Pool: Spa; Day: Mon; Opens: 07:00",
            "Pool: Spa; Day: Sun; Opens: 09:00",
            "Pool: Lido; Day: Mon; Opens: 06:30",
        ],
    ),
    "a cell that spans all rows below": (
        "<tr><th>Zone<th>Bay<th>Fee<tr><td rowspan=0>North<td>N1<td>£3<tr><td>N2<td>£4<tr><td>N3<td>£5",
        ["Zone: North; Bay: N1; Fee: £3", "Zone: North; Bay: N2; Fee: £4", "Zone: North; Bay: N3; Fee: £5"],
    ),
    "cells that span columns": (
        "<tr><th>Pool<th>Sat<th>Sun<tr><td>Spa<td colspan=2>closed<tr><td>Lido<td>07:00<td>08:00",
        ["Pool: Spa; Sat: closed; Sun: closed", "Pool: Lido; Sat: 07:00; Sun: 08:00"],
    ),
    "a span that ends with its part of the table": (
        "<thead><tr><th>Hut<th>Beds</thead><tbody><tr><td rowspan=9>Alm<td>8</tbody><tbody><tr><td>Joch<td>12</tbody>",
        ["Hut: Alm; Beds: 8", "Hut: Joch; Beds: 12"],
    ),
    "two rows of names": (
        "<thead><tr><th rowspan=2>Hut<th colspan=2>Keeper<tr><th>Name<th>Phone</thead><tr><td>Alm<td>Ida Falk<td>555 12"
        "<tfoot><tr><td colspan=2>Huts in all<td>1</tfoot>",
        ["Hut: Alm; Keeper Name: Ida Falk; Keeper Phone: 555 12", "Hut: Huts in all; Keeper Phone: 1"],
    ),
    "names of rows": (
        "<tr><td><th>Sat<th>Sun<tr><th scope=row>Spa<td>07:00<td>09:00<tr><th scope=row>Lido<td>06:30<td>-",
        ["Spa; Sat: 07:00; Sun: 09:00", "Lido; Sat: 06:30; Sun: -"],
    ),
    "a data sheet": ("<tr><th>Span<td>140 m<tr><th>Builder<td>Dahl & Sons", ["Span: 140 m", "Builder: Dahl & Sons"]),
    "names of columns in bold": (
        "<tr><td><b>Skipper</b><td><strong>Yacht</strong><tr><td>Mara Lind<td>Skua<tr><td>Tom Reuss<td>Tern",
        ["Skipper: Mara Lind; Yacht: Skua", "Skipper: Tom Reuss; Yacht: Tern"],
    ),
    "a title over all columns": (
        "<tr><th colspan=2>Fees of 2026<tr><td>Dinghy<td>3 euros<tr><td>Yacht<td>9 euros",
        ["Fees of 2026", "Dinghy: 3 euros", "Yacht: 9 euros"],
    ),
    "groups of rows": (
        "<tr><th>Hut<th>Beds<th>Open<tr><td colspan=3>North<tr><td>Alm<td>8<td>May"
        "<tr><td colspan=3>South<tr><td>Alm<td>6<td>June",
        ["North; Hut: Alm; Beds: 8; Open: May", "South; Hut: Alm; Beds: 6; Open: June"],
    ),
    "a table in a cell": (
        "<tr><th>Pool<th>Hours<tr><td>Spa<td><table><tr><td>Mon<td>9-5<tr><td>Sat<td>10-2</table><tr><td>Lido<td>none",
        ["Pool: Spa; Hours: Mon: 9-5; Sat: 10-2", "Pool: Lido; Hours: none"],
    ),
    "paragraphs in a cell": (
        "<tr><th>Gas<th>Use<tr><td>CO<sub>2</sub><td><p>Fire</p><p>and beer</p>"
        "<tr><td>N<sub>2</sub><td><ul><li>tyres<li>food</ul>",
        ["Gas: CO2; Use: Fire and beer", "Gas: N2; Use: tyres food"],
    ),
    "words outside its cells": ("stray <tr><th>Hut<th>Beds<tr><td>Alm<td>8", ["Hut: Alm; Beds: 8", "stray"]),
    "no rows": ("<td>Alm</td> stray", ["Alm", "stray"]),
    "a span without end": (
        "<tr><td colspan=99999>Huts<tr><td>Alm<td>8<tr><td>Joch<td>12",
        ["Huts", "Alm: 8", "Joch: 12"],
    ),
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_with(table):
    given, wanted = TABLES[table]
    assert [line for line in parse_page(f"<body><table>{given}</table></body>").text.split("\n") if line] == wanted


def test_a_caption_is_a_line_and_a_heading():
    table = "<table><caption>Table 2: Huts</caption><tr><th>Hut<th>Beds<tr><td>Alm<td>8</table>"
    parsed = parse_page(f"<h1>Walks</h1>{table}<p>Bring boots.</p>")
    assert [section.headings for section in parsed.sections] == [("Walks",), ("Walks", "Table 2: Huts"), ("Walks",)]
    assert parsed.text.split("\n\n")[:3] == ["Walks", "Table 2: Huts", "Hut: Alm; Beds: 8"]


def test_tables_that_place_other_tables_are_no_tables():
    inner = "<table><tr><th>Hut<th>Beds<tr><td>Alm<td>8</table>"
    text = parse_page(f"<table><tr><td>Menu</td><td>{inner}</td></tr></table>").text
    assert text.split("\n\n")[:2] == ["Menu", "Hut: Alm; Beds: 8"]


def test_tables_that_place_headings_or_paragraphs_are_no_tables():
    parsed = parse_page("<table><tr><td><h2>Slip</h2><p>Two boats.</p></td><td><p>Ring.</p><p>Wait.</p></td></table>")
    assert parsed.text.split("\n\n")[:4] == ["Slip", "Two boats.", "Ring.", "Wait."]
    assert parsed.sections[0].headings == ("Slip",)
    named = "<table><tr><td><h4>Hut</h4><td><h4>Beds</h4><tr><td>Alm<td>8<tr><td>Joch<td>9</table>"
    assert "Hut: Joch; Beds: 9" in parse_page(named).text


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ("<dt>Span<dd>140 m<dt>Builder<dt>Designer<dd>Dahl<dd>Sons", ["Span: 140 m", "Builder, Designer: Dahl; Sons"]),
        ("<div><dt>Toll</dt><dd><p>3 euros</p><p>a day</p></dd></div>", ["Toll: 3 euros a day"]),
        ("<dt>Toll</dt><dd>3 euros</dd><p>Pay at the gate.</p>", ["Toll: 3 euros", "Pay at the gate."]),
    ],
)
def test_definition_lists_are_labels_with_values(items, wanted):
    parsed = parse_page(f"<body><dl>{items}</dl></body>")
    assert [line for line in parsed.text.split("\n") if line] == wanted
    first = parsed.sections[0].cells[0]
    assert f"{first.row_name}: {parsed.text[first.start : first.end]}" == wanted[0]


def test_many_tables_in_a_page_cost_no_more_than_their_cells():
    page = "<table><tr><th>a<td>" * 2000 + "<table><tr><td colspan=1000 rowspan=65534>x" * 200
    assert "x" in parse_page(page).text
