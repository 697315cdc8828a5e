"""Tables of all kinds as rows of text: what names columns and rows, and what stands above, between and below them."""

import random
import sys
from collections import Counter

import pytest

from rag.documents.formats.base.sections import Block, assemble
from rag.documents.formats.tables.rows import row_texts, table_blocks


def rows(*lines: str) -> list[list[str]]:
    """Return a table whose cells are parted by pipes."""
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def names(table: list[list[str]], **options) -> list[str]:
    """Return what each row with cells is called."""
    return [block.cells[0].row_name for block in table_blocks(table, **options) if block.cells]


HEADERS = {
    "numbers below words": (
        rows("Well|Depth|Yield", "Hill|120 m|4 l/s", "Vale|95 m|7 l/s"),
        ["Well: Hill; Depth: 120 m; Yield: 4 l/s", "Well: Vale; Depth: 95 m; Yield: 7 l/s"],
    ),
    "words below well-known names": (
        rows("Name|Role|Town", "Mara Lind|fitter|Ulsby", "Tom Reuss|cook|Varde", "Ida Falk|fitter|Ulsby"),
        ["Name: Mara Lind; Role: fitter; Town: Ulsby", "Name: Tom Reuss; Role: cook; Town: Varde"],
    ),
    "one row below": (rows("Tent|Nights", "Dome|3"), ["Tent: Dome; Nights: 3"]),
    "years above figures": (
        rows("Mill|2023|2024|2025", "Upper|310|295|330", "Lower|120|140|155"),
        ["Mill: Upper; 2023: 310; 2024: 295; 2025: 330", "Mill: Lower; 2023: 120; 2024: 140; 2025: 155"],
    ),
    "weekdays above names": (
        rows("|Mon|Tue", "Early|Mara|Tom", "Late|Tom|Ida"),
        ["Early; Mon: Mara; Tue: Tom", "Late; Mon: Tom; Tue: Ida"],
    ),
    "numbers that count above names": (
        rows("Pupil|1|2|3", "Mara|good|fair|good", "Tom|fair|poor|good"),
        ["Pupil: Mara; 1: good; 2: fair; 3: good", "Pupil: Tom; 1: fair; 2: poor; 3: good"],
    ),
    "in German": (
        rows("Artikel|Bezeichnung|Menge", "S-17|Seil|12,50", "S-18|Kette|9,00"),
        ["Artikel: S-17; Bezeichnung: Seil; Menge: 12,50", "Artikel: S-18; Bezeichnung: Kette; Menge: 9,00"],
    ),
    "units in a row below": (
        rows("Kayak|Length|Mass", "|[m]|kg", "Skua|4.8|22", "Fulmar|5.1|25"),
        ["Kayak: Skua; Length (m): 4.8; Mass (kg): 22", "Kayak: Fulmar; Length (m): 5.1; Mass (kg): 25"],
    ),
    "groups in a row above": (
        rows("Hut|Keeper|Keeper|Beds", "Hut|Name|Phone|Beds", "Alm|Ida Falk|555 12|8", "Joch|Tom Reuss|555 19|12"),
        [
            "Hut: Alm; Keeper Name: Ida Falk; Keeper Phone: 555 12; Beds: 8",
            "Hut: Joch; Keeper Name: Tom Reuss; Keeper Phone: 555 19; Beds: 12",
        ],
    ),
    "groups with gaps": (
        rows("|Summer||Winter|", "Lift|Opens|Shuts|Opens|Shuts", "North|08:00|19:00|09:00|16:00"),
        ["Lift: North; Summer Opens: 08:00; Summer Shuts: 19:00; Winter Opens: 09:00; Winter Shuts: 16:00"],
    ),
    "come again": (
        rows("Lock|Rise", "Nether|2.1 m", "Lock|Rise", "Over|3.4 m"),
        ["Lock: Nether; Rise: 2.1 m", "Lock: Over; Rise: 3.4 m"],
    ),
    "below title, notes and an empty row": (
        rows("Stock on hand||", "Counted: 2026-04-30||", "||", "Bin|Part|Count", "C1|hinge|40", "C2|latch|18"),
        ["Stock on hand", "Counted: 2026-04-30", "Bin: C1; Part: hinge; Count: 40", "Bin: C2; Part: latch; Count: 18"],
    ),
    "below labels and values": (
        rows("Made by|M. Lind||", "Made on|2026-04-30||", "Order|Client|Total|State", "7001|Brio|120.00|open"),
        ["Made by: M. Lind", "Made on: 2026-04-30", "Order: 7001; Client: Brio; Total: 120.00; State: open"],
    ),
    "cells beyond it": (
        rows("tour|price|", "Fjord|60|not on Mondays", "Cave|25|"),
        ["tour: Fjord; price: 60; not on Mondays", "tour: Cave; price: 25"],
    ),
    "one column": (rows("name", "Mara", "Tom"), ["name: Mara", "name: Tom"]),
    "days above words": (rows("Room|1 Jan|2 Jan", "Attic|free|taken"), ["Room: Attic; 1 Jan: free; 2 Jan: taken"]),
    "yes and no above counts": (rows("Tool|Yes|No", "Saw|3|5", "Drill|7|1"), ["Tool: Saw; Yes: 3; No: 5"]),
    "shortened words": (
        rows("Grade|Min. points|Max. points", "A|90|100", "B|75|89", "C|60|74"),
        ["Grade: A; Min. points: 90; Max. points: 100"],
    ),
    "labels and values, each named": (
        rows("Field|Value", "Colour|grey", "Weight|64 t", "Built|1931"),
        ["Field: Colour; Value: grey", "Field: Weight; Value: 64 t"],
    ),
    "two columns, the second of prose": (
        rows("Phrase|Meaning", "Tenant|The person who rents the flat.", "Deposit|Money held until the end."),
        ["Phrase: Tenant; Meaning: The person who rents the flat."],
    ),
    "ranges above prices": (
        rows("Ticket|Under 18|18-64|65+", "Day|£3|£6|£4", "Year|£20|£45|£30"),
        ["Ticket: Day; Under 18: £3; 18-64: £6; 65+: £4", "Ticket: Year; Under 18: £20; 18-64: £45; 65+: £30"],
    ),
    "two columns of amounts in units of their own": (
        rows("Ingredient|Amount", "Flour|200 g", "Eggs|2", "Milk|150 ml", "Salt|a pinch"),
        ["Ingredient: Flour; Amount: 200 g", "Ingredient: Eggs; Amount: 2"],
    ),
    "a value with a footnote": (
        rows("Tent|Fee", "Dome|12 €", "Yurt|40 €*", "* with stove|"),
        ["Tent: Dome; Fee: 12 €", "Tent: Yurt; Fee: 40 €*", "* with stove"],
    ),
    "units below, and a word beside them": (
        rows("Probe|Depth|Temp", "name|m|°C", "P1|5|11.2", "P2|10|9.8"),
        ["Probe: P1; Depth (m): 5; Temp (°C): 11.2", "Probe: P2; Depth (m): 10; Temp (°C): 9.8"],
    ),
}


@pytest.mark.parametrize("table", HEADERS)
def test_a_header_is_found(table):
    given, wanted = HEADERS[table]
    assert row_texts(given)[: len(wanted)] == wanted


NO_HEADER = {
    "a data sheet": (
        rows("Span|140 m", "Opened|1931", "Builder|Dahl & Sons", "Lanes|2"),
        ["Span: 140 m", "Opened: 1931", "Builder: Dahl & Sons", "Lanes: 2"],
    ),
    "a data sheet that begins with words": (
        rows("Maker|Dahl & Sons", "Weight|64 t", "Colour|grey", "Speed|12 knots"),
        ["Maker: Dahl & Sons", "Weight: 64 t", "Colour: grey", "Speed: 12 knots"],
    ),
    "a data sheet that begins with a name": (
        rows("Name|Ida Falk", "Age|41", "Post|nurse", "Since|2019"),
        ["Name: Ida Falk", "Age: 41", "Post: nurse", "Since: 2019"],
    ),
    "labels with colons": (rows("Guest:|Mara Lind", "Room:|14"), ["Guest: Mara Lind", "Room: 14"]),
    "two labels in a row": (
        rows("Guest:|Mara Lind|Room:|14", "Nights:|3|Paid:|no"),
        ["Guest: Mara Lind", "Room: 14", "Nights: 3", "Paid: no"],
    ),
    "a label, a value and its unit": (
        rows("Length|38|m", "Weight|120|t", "Power|450|kW"),
        ["Length: 38; m", "Weight: 120; t", "Power: 450; kW"],
    ),
    "records of words": (
        rows("Riga|Latvia|euro", "Oslo|Norway|krone", "Bern|Switzerland|franc"),
        ["Riga; Latvia; euro", "Oslo; Norway; krone", "Bern; Switzerland; franc"],
    ),
    "records with numbers": (
        rows("Mara Lind|Stores|7110", "Tom Reuss|Kitchen|7114"),
        ["Mara Lind; Stores; 7110", "Tom Reuss; Kitchen; 7114"],
    ),
    "years of long ago": (
        rows("Ida Falk|1901|Ulsby", "Tom Reuss|1899|Varde"),
        ["Ida Falk; 1901; Ulsby", "Tom Reuss; 1899; Varde"],
    ),
    "opening hours": (
        rows("Monday|closed", "Tuesday|09:00-17:00", "Friday|10:00-20:00"),
        ["Monday: closed", "Tuesday: 09:00-17:00", "Friday: 10:00-20:00"],
    ),
    "questions and answers": (
        rows("What does a bed cost?|It is 30 euros with breakfast.", "May dogs come?|Yes, on a lead."),
        ["What does a bed cost?: It is 30 euros with breakfast.", "May dogs come?: Yes, on a lead."],
    ),
    "one row": (rows("Warden|Ida Falk"), ["Warden: Ida Falk"]),
    "one column": (rows("Rope", "Chain", "Hook"), ["Rope", "Chain", "Hook"]),
    "names alone": (rows("Name|Role|Since"), ["Name; Role; Since"]),
}


@pytest.mark.parametrize("table", NO_HEADER)
def test_a_header_is_known_to_be_absent(table):
    given, wanted = NO_HEADER[table]
    assert row_texts(given) == wanted
    assert not any(cell.column for block in table_blocks(given) for cell in block.cells)


def test_a_data_sheet_has_its_labels_as_names_and_its_values_as_cells():
    blocks = table_blocks(rows("Span|140 m", "Builder|Dahl & Sons"))
    found = [(c.row_name, c.column, block.text[c.start : c.end]) for block in blocks for c in block.cells]
    assert found == [("Span", "", "140 m"), ("Builder", "", "Dahl & Sons")]


def test_parts_of_a_data_sheet_are_captions_of_what_is_below_them():
    blocks = table_blocks(rows("Hull|", "Length|12 m", "Engine|", "Power|75 kW"))
    assert [(b.caption, b.text) for b in blocks if b.cells] == [("Hull", "Length: 12 m"), ("Engine", "Power: 75 kW")]


def test_a_table_on_its_side_is_turned_but_not_one_that_compares():
    turned = rows("Ferry|Skua|Tern", "Built|1998|2004", "Length|38 m|42 m", "Flag|Norway|Malta")
    assert row_texts(turned) == [
        "Ferry: Skua; Built: 1998; Length: 38 m; Flag: Norway",
        "Ferry: Tern; Built: 2004; Length: 42 m; Flag: Malta",
    ]
    assert names(turned) == ["Skua", "Tern"]
    for corner in ("", "Feature"):
        upright = [[corner, *turned[0][1:]], *turned[1:]]
        assert [text.partition("; ")[2] for text in row_texts(upright)][1] == "Skua: 38 m; Tern: 42 m"
        assert names(upright) == ["Built", "Length", "Flag"]


UPRIGHT = {
    "years above measures": rows("Measure|2024/25|2023/24", "Income|£4.2m|£3.9m", "Visits|812|790", "Waste|31 t|35 t"),
    "a quantity in each row": rows("Quantity|Site A|Site B", "Flow|12 l/s|14 l/s", "Head|3.1 m|2.8 m"),
    "quarters below a name": rows(
        "Name|Quarter 1|Quarter 2", "Sales|€120|€140", "Visitors|3,400|3,900", "Growth|2 %|3 %"
    ),
    "rows that no field is called by": rows(
        "Service|Weekday|Weekend", "Wash|£12|£15", "Dryer|40 min|55 min", "Hands|3|5"
    ),
}


@pytest.mark.parametrize("table", UPRIGHT)
def test_a_table_whose_rows_have_units_of_their_own_is_not_turned(table):
    assert names(UPRIGHT[table]) == [row[0] for row in UPRIGHT[table][1:]]


def test_names_of_columns_without_a_value_are_kept():
    table = rows("Berth|Vessel|Remarks", "B1|Skua|", "B2|Tern|")
    assert row_texts(table)[-1] == "Columns without a value: Remarks"
    assert not any(block.cells for block in table_blocks(table)[2:])


NAMES = {
    "the first cell": (rows("Buoy|Light", "B-1|red", "B-2|green"), ["B-1", "B-2"]),
    "not a serial number": (rows("No.|Team|Points", "1|Ulsby|24", "2|Varde|21"), ["Ulsby", "Varde"]),
    "a number with a meaning": (rows("Floor|Tenant|Area", "1|Brio AG|80", "2|Cado SA|95"), ["1", "2"]),
    "no serial number without header": (rows("1|Mara|30", "2|Tom|41", "3|Ida|25"), ["Mara", "Tom", "Ida"]),
    "the cell that tells rows apart": (rows("Zone|Hut|Beds", "N|Alm|8", "N|Joch|9", "S|Eck|6"), ["Alm", "Joch", "Eck"]),
    "several cells": (
        rows("Pool|Day|Opens", "Spa|Mon|07:00", "Spa|Sun|09:00", "Lido|Mon|06:30", "Lido|Sun|08:30"),
        ["Spa, Mon", "Spa, Sun", "Lido, Mon", "Lido, Sun"],
    ),
    "a total": (
        rows("#|Item|Sum", "1|Rope|12.00", "2|Hook|9.80", "3|Chain|4.10", "4|Pin|1", "|Total|26.90"),
        ["Total"],
    ),
}


@pytest.mark.parametrize("table", NAMES)
def test_rows_are_called_by(table):
    given, wanted = NAMES[table]
    assert names(given)[-len(wanted) :] == wanted


def test_lines_that_name_groups_go_into_their_rows():
    table = rows("Hut|Beds|Open", "North||", "Alm|8|May", "Joch|9|June", "South||", "Alm|6|April", "Total|23|")
    assert row_texts(table) == [
        "North; Hut: Alm; Beds: 8; Open: May",
        "North; Hut: Joch; Beds: 9; Open: June",
        "South; Hut: Alm; Beds: 6; Open: April",
        "Hut: Total; Beds: 23",
    ]
    assert names(table) == ["North, Alm", "North, Joch", "South, Alm", "Total"]
    lonely = rows("Hut|Beds|Open", "Alm|8|May", "Joch||", "Eck|6|April")
    assert row_texts(lonely)[1:] == ["Hut: Joch", "Hut: Eck; Beds: 6; Open: April"]  # values that are not known


def test_gaps_below_a_first_cell_are_filled_where_it_is_written_once_for_several_rows():
    once = rows("Pool|Day|Opens", "Spa|Mon|07:00", "|Sun|09:00", "Lido|Mon|06:30", "|Sun|08:30")
    assert row_texts(once)[1] == "Pool: Spa; Day: Sun; Opens: 09:00"
    missing = rows("Title|Surname|Desk", "Dr|Lind|12", "|Reuss|14", "Prof|Falk|15", "|Brand|17")
    assert row_texts(missing)[1] == "Surname: Reuss; Desk: 14"


def test_notes_are_lines_of_their_own():
    table = rows("Lock|Rise", "Nether|2.1 m", "Over*|3.4 m", "* rebuilt in 2019|", "Source: survey of 2025|")
    blocks = table_blocks(table)
    assert [bool(block.cells) for block in blocks] == [True, True, False, False]
    assert blocks[-1].text == "Source: survey of 2025"


def test_tables_below_and_beside_each_other_are_told_apart():
    below = rows("Lock|Rise|Built", "Nether|2.1 m|1931", "||", "Keeper|Phone|Since", "Mara Lind|7110|2019")
    assert row_texts(below)[-1] == "Keeper: Mara Lind; Phone: 7110; Since: 2019"
    goes_on = rows("Lock|Rise|Built", "Nether|2.1 m|1931", "||", "Over|3.4 m|1933")
    assert row_texts(goes_on)[-1] == "Lock: Over; Rise: 3.4 m; Built: 1933"
    apart = rows("Lock|Rise", "", "Nether|2.1 m", "Over|3.4 m")
    assert row_texts(apart) == ["Lock: Nether; Rise: 2.1 m", "Lock: Over; Rise: 3.4 m"]
    beside = rows("Lock|Rise||Keeper|Phone", "Nether|2.1 m||Mara Lind|7110", "Over|3.4 m|||", "Top|1.9 m|||")
    assert row_texts(beside) == [
        "Lock: Nether; Rise: 2.1 m",
        "Lock: Over; Rise: 3.4 m",
        "Lock: Top; Rise: 1.9 m",
        "Keeper: Mara Lind; Phone: 7110",
    ]


def test_what_the_format_says_of_the_header_holds():
    table = rows("Skua|Tern", "Fulmar|Gannet", "Puffin|Auk")
    assert row_texts(table) == ["Skua: Tern", "Fulmar: Gannet", "Puffin: Auk"]
    assert [b.text for b in table_blocks(table, header=1)] == ["Skua: Fulmar; Tern: Gannet", "Skua: Puffin; Tern: Auk"]
    known = rows("Name|Fee", "Mara|3", "Tom|4")
    assert [b.text for b in table_blocks(known, header=0)][0] == "Name: Fee"
    titled = rows("Fees of 2026|", "Boat|Fee", "Dinghy|3")
    assert [b.text for b in table_blocks(titled, header=2)] == ["Fees of 2026", "Boat: Dinghy; Fee: 3"]


def test_a_merged_title_is_a_line_and_the_caption():
    table = [["Fees of 2026"] * 3, ["Boat", "Fee", "Deposit"], ["Dinghy", "£3", "£10"], ["Yacht", "£9", "£30"]]
    blocks = table_blocks(table)
    assert [block.text for block in blocks] == ["Fees of 2026", *row_texts(table[1:])]
    assert {block.caption for block in blocks} == {"Fees of 2026"}
    assert {block.caption for block in table_blocks(table[1:], caption="Table 4")} == {"Table 4"}


def test_captions_are_headings_of_their_rows_alone():
    table = table_blocks(rows("Boat|Fee", "Dinghy|£3", "Yacht|£9"))
    parsed = assemble([Block("Port", 1), Block("Fees a day:"), *table, Block("Pay at the office.")])
    assert [section.headings for section in parsed.sections] == [("Port",), ("Port", "Fees a day"), ("Port",)]
    assert parsed.text[parsed.sections[1].start :].startswith("Fees a day:\n\nBoat: Dinghy")
    no_title = assemble([Block("Some words."), Block("Fees a day:"), *table])
    assert [section.headings for section in no_title.sections] == [(), ()]  # it is not what the document is called


def test_each_row_keeps_its_page():
    blocks = table_blocks(rows("Boat|Fee", "Dinghy|£3", "Boat|Fee", "Yacht|£9"), [4, 4, 5, 5])
    assert [(block.page, block.text) for block in blocks] == [(4, "Boat: Dinghy; Fee: £3"), (5, "Boat: Yacht; Fee: £9")]


def test_nothing_of_a_table_is_lost_and_cells_are_where_they_are_said_to_be():
    draw = random.Random(28)
    words = [
        "",
        "",
        "Mara",
        "Tom Reuss",
        "3",
        "£5",
        "2026-01-02",
        "07:00",
        "K-17",
        "Total",
        "a note.",
        "yes",
        "(m)",
        "x: y; z",
    ]
    for _ in range(400):
        width = draw.randrange(1, 6)
        body = [[draw.choice(words) for _ in range(width)] for _ in range(draw.randrange(8))]
        blocks = table_blocks([[f"Column {n}" for n in range(width)], *body], header=1)
        text, sections, _ = assemble(blocks)
        assert all(cell.strip("()") in text for row in body for cell in row), body
        cells = [cell for section in sections for cell in section.cells]
        assert all(a.end <= b.start for a, b in zip(cells, cells[1:], strict=False))
        assert all(0 <= block.cells[-1].end == len(block.text) for block in blocks if block.cells)


@pytest.mark.parametrize("shape", [(1000, 4), (10, 400), (1000, 1)])
def test_work_grows_with_the_number_of_cells(shape):
    height, width = shape

    def calls(factor: int) -> int:
        """Return how many functions are called, which, unlike time, does not depend on what else the machine does."""
        table = [[f"w{n}.{m}" for m in range(width)] for n in range(height * factor)]
        events: Counter[str] = Counter()
        sys.setprofile(lambda _frame, event, _arg: events.update([event]))
        try:
            table_blocks(table)
        finally:
            sys.setprofile(None)
        return events["call"] + events["c_call"]

    assert calls(8) < 10 * calls(1)
