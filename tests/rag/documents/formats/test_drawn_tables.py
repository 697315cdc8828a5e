"""Tables drawn in plain text and reStructuredText."""

import pytest

from rag.documents.formats.text.plain_text import parse_markdown, parse_rst, parse_text

GRIDS = {
    "a grid": (
        "+------+--------+\n| Hut  | Open   |\n+======+========+\n| Alm  | May to |\n|      | June   |\n"
        "+------+--------+\n"
        "| Joch | July   |\n+------+--------+\n",
        "Hut: Alm; Open: May to June\nHut: Joch; Open: July\n",
    ),
    "cells that span": (
        "+------+-------------+\n| Hut  | Keeper      |\n|      +------+------+\n|      | Name | Desk |\n"
        "+======+======+======+\n"
        "| Alm  | Lind | 12   |\n+------+------+------+\n| Joch | nobody      |\n+------+------+------+\n",
        "Hut: Alm; Keeper Name: Lind; Keeper Desk: 12\nHut: Joch; Keeper Name: nobody; Keeper Desk: nobody\n",
    ),
    "a simple table": (
        "====  =====  ======\nHut   Beds   Open\n====  =====  ======\nAlm   8      May\nJoch  12     July\n"
        "             only\n"
        "====  =====  ======\n",
        "Hut: Alm; Beds: 8; Open: May\nHut: Joch; Beds: 12; Open: July only\n",
    ),
    "groups in a simple table": (
        "====  =====  =====\nHut      Opens\n----  ------------\n Name  Sat   Sun\n====  =====  =====\n"
        "Alm   08:00  09:00\n"
        "====  =====  =====\n",
        "Hut Name: Alm; Opens Sat: 08:00; Opens Sun: 09:00\n",
    ),
    "no header": ("====  =====\nSpan  140 m\nLanes 2\n====  =====\n", "Span: 140 m\nLanes: 2\n"),
}


@pytest.mark.parametrize("table", GRIDS)
def test_tables_of_restructuredtext(table):
    drawn, wanted = GRIDS[table]
    text = f"Huts\n====\n\nThere are some.\n\n{drawn}\nEnd\n---\n\nwords\n"
    parsed = parse_rst(text.encode())
    assert parsed.text == text.replace(drawn, wanted)
    assert [section.headings for section in parsed.sections] == [("Huts",), ("Huts", "End")]
    assert parsed.sections[0].cells


PLAIN = {
    "what a database prints": (
        "+------+------+\n| hut  | beds |\n+------+------+\n| Alm  |    8 |\n| Joch |   12 |\n+------+------+\n",
        "hut: Alm; beds: 8\nhut: Joch; beds: 12\n",
    ),
    "what another prints": (
        " hut  | beds\n------+------\n Alm  |    8\n Joch |   12\n",
        "hut: Alm; beds: 8\nhut: Joch; beds: 12\n",
    ),
    "aligned columns": (
        "Day    High     Low\n1 May  04:10    10:20\n2 May  05:00    11:10\n",
        "Day: 1 May; High: 04:10; Low: 10:20\nDay: 2 May; High: 05:00; Low: 11:10\n",
    ),
    "a rule below names": (
        "Name        Role      Town\n----------  --------  ------\nMara Lind   fitter    Ulsby\n"
        "Tom Reuss   cook      Varde\n",
        "Name: Mara Lind; Role: fitter; Town: Ulsby\nName: Tom Reuss; Role: cook; Town: Varde\n",
    ),
    "tabs": ("hut\tbeds\nAlm\t8\nJoch\t12\n", "hut: Alm; beds: 8\nhut: Joch; beds: 12\n"),
    "labels and values": (
        "Length      38 m\nBeam        9.4 m\nBuilder     Dahl & Sons\n",
        "Length: 38 m\nBeam: 9.4 m\nBuilder: Dahl & Sons\n",
    ),
}


@pytest.mark.parametrize("table", PLAIN)
def test_tables_of_plain_text(table):
    drawn, wanted = PLAIN[table]
    text = f"HARBOUR BOOK\n\nWords of all kinds.\n\n{drawn}\nMore words.\n"
    parsed = parse_text(text.encode())
    assert parsed.text == text.replace(drawn, wanted)
    assert [section.headings for section in parsed.sections] == [("HARBOUR BOOK",)] and parsed.sections[0].cells


def test_a_title_directly_above_and_a_note_below_are_no_rows():
    text = "Tides\nDay    High   Low\n1 May  04:10  10:20\n2 May  05:00  11:10\nTimes are local.\n"
    wanted = "Tides\nDay: 1 May; High: 04:10; Low: 10:20\nDay: 2 May; High: 05:00; Low: 11:10\nTimes are local.\n"
    assert parse_text(text.encode()).text == wanted


@pytest.mark.parametrize(
    "text",
    [
        "The port is  open. It is good.\nIt was  closed in May, and then\nthe crew  greased the winch.\n",
        "   Roses are red,\n   violets are blue,\n   sugar is sweet.\n",
        "Mara Lind         Tom Reuss\n1 Elm St          2 Oak St\nUlsby             Varde\n",
        "- one   two\n- three   four\n- five   six\n",
        "2026-01-01 12:00  INFO   started the pump. All good.\n2026-01-01 12:01  WARN   it stopped. Look.\n"
        "2026-01-01 12:02  INFO   it runs. Fine.\n",
        "+++\ntitle\n+++\n",
        "==== a\n====\n",
        "a | b\nc | d\n",
    ],
)
def test_text_that_is_no_table_stays_as_it_is(text):
    assert parse_text(text.encode()).text == text


UNRULED = {
    "a header": (
        "Hut | Beds | Open\nAlm | 8 | May\nJoch | 12 | July\n",
        "Hut: Alm; Beds: 8; Open: May\nHut: Joch; Beds: 12; Open: July\n",
    ),
    "pipes around": ("| Hut | Beds |\n| Alm | 8 |\n| Joch | 12 |\n", "Hut: Alm; Beds: 8\nHut: Joch; Beds: 12\n"),
    "a corner without a name": (
        "| 2019 | 2018\nBeds | 8 | 7\nBoats | 12 | 11\n",
        "Beds; 2019: 8; 2018: 7\nBoats; 2019: 12; 2018: 11\n",
    ),
    "a header that looks like a heading": (
        "# | Hut | Beds\n1 | Alm | 8\n2 | Joch | 12\n",
        "#: 1; Hut: Alm; Beds: 8\n#: 2; Hut: Joch; Beds: 12\n",
    ),
    "rows that look like a list": (
        "No. | Hut | Beds\n1. | Alm | 8\n2. | Joch | 12\n",
        "No.: 1.; Hut: Alm; Beds: 8\nNo.: 2.; Hut: Joch; Beds: 12\n",
    ),
}


@pytest.mark.parametrize("parse", [parse_text, parse_markdown])
@pytest.mark.parametrize("table", UNRULED)
def test_pipes_without_a_rule_part_cells(table, parse):
    drawn, wanted = UNRULED[table]
    parsed = parse(f"There are some huts.\n\n{drawn}\nwords\n".encode())
    assert parsed.text == f"There are some huts.\n\n{wanted}\nwords\n"
    assert any(section.cells for section in parsed.sections)


@pytest.mark.parametrize(
    "text",
    [
        "boat [-a | --all]\nboat [-b | --bow]\nboat [-c | --crew]\n",
        "expr\n  | term\n  | factor\n  | atom\n",
        "the keel | and no more\nthe mast | and the sail\n",
        "a||b\nc||d\ne||f\n",
        "    ls | wc -l\n    ls | sort -n\n    ls | head -2\n",
        "```\nHut | Beds\nAlm | 8\nJoch | 12\n```\n",
    ],
)
def test_other_pipes_are_left_as_they_are(text):
    assert parse_markdown(f"words\n\n{text}".encode()).text == f"words\n\n{text}"
