"""Tables of PDF pages: each cell with its row and column, with lines or without, and over page breaks."""

import pytest

from rag.documents.formats.pdf.reader import parse_pdf
from samples import pdf

ROWS = [["Boat", "Draught", "Slip"], ["Tern", "1.4 m", "A3"], ["Skua", "2.1 m", "B7"], ["Knot", "0.9 m", "C2"]]
XS, HEIGHT = (50, 150, 250, 350), 20


def words(x: float, y: float, text: str) -> str:
    return f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET"


def table(rows: list[list[str]], top: float = 700, across: str = "all", down: str = "all") -> str:
    """Return content of a table. across, down: which lines are drawn: all, inner, outer or no."""
    ys = [top - HEIGHT * n for n in range(len(rows) + 1)]
    xs = XS[: len(rows[0]) + 1]
    parts = [words(xs[c] + 5, ys[r] - 14, cell) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell]
    kinds = {"all": slice(None), "inner": slice(1, -1), "outer": slice(None, None, len(ys) - 1), "no": slice(0, 0)}
    parts += [f"{xs[0]} {y} m {xs[-1]} {y} l S" for y in ys[kinds[across]]]
    parts += [f"{x} {ys[0]} m {x} {ys[-1]} l S" for x in (xs if down == "all" else xs[1:-1] if down == "inner" else ())]
    return "\n".join(parts)


def cells(*pages: str) -> dict[tuple[str, str], str]:
    """Return the value at each row and column."""
    parsed = parse_pdf(pdf(*pages))
    found = [cell for section in parsed.sections for cell in section.cells]
    return {(cell.row_name, cell.column): parsed.text[cell.start : cell.end] for cell in found}


EXPECTED = {(row[0], column): value for row in ROWS[1:] for column, value in zip(ROWS[0], row, strict=True)}


@pytest.mark.parametrize(
    ("across", "down"),
    [
        ("all", "all"),
        ("inner", "inner"),
        ("outer", "all"),
        ("all", "no"),
        ("outer", "no"),
        ("no", "no"),
        ("no", "inner"),
    ],
)
def test_cells_keep_their_row_and_column_whichever_lines_are_drawn(across, down):
    assert cells(table(ROWS, across=across, down=down)) == EXPECTED


def test_shades_behind_every_other_row_are_no_borders():
    shades = "\n".join(f"0.9 g 50 {680 - 40 * n} 300 20 re f 0 g" for n in range(2))
    assert cells(shades + "\n" + table(ROWS, across="no", down="no")) == EXPECTED


@pytest.mark.parametrize("repeated", [True, False])
@pytest.mark.parametrize("lines", ["all", "no"])
def test_a_table_goes_on_over_the_page_break(repeated, lines):
    names = ["Auk", "Crake", "Dunlin", "Eider", "Fulmar", "Gannet", "Heron", "Ibis"]
    rows = [[name, f"{n}.5 m", f"D{n}"] for n, name in enumerate(names)]
    second = [ROWS[0], *rows[4:]] if repeated else rows[4:]
    style = {"across": lines, "down": lines}
    pages = (
        table([ROWS[0], *rows[:4]], 200, **style),
        table(second, 780, **style) + "\n" + words(50, 60, "End of the list."),
    )
    found = cells(*pages)
    assert {found[name, "Draught"] for name in names} == {row[1] for row in rows}
    assert all(found[name, "Slip"] == f"D{n}" for n, name in enumerate(names))


def test_a_row_split_by_the_page_break_is_one_again():
    first = [["Boat", "Slip", "Fault"], ["Tern", "A3", "rudder"], ["Skua", "B7", "hull plates that"]]
    found = cells(table(first, 200), table([first[0], ["", "", "leak at the bow"], ["Knot", "C2", "none"]], 780))
    assert found["Skua", "Fault"] == "hull plates that leak at the bow" and found["Knot", "Fault"] == "none"
    apart = parse_pdf(pdf(table(first, 200), table([["", "B9", "Mast"], ["Knot", "C2", "none"]], 780))).text
    assert "Slip: B9; Fault: Mast" in apart


def test_tables_without_lines_below_each_other_have_columns_of_their_own():
    stops = [["Stop", "At", "Fare"], ["Quay", "08:05", "1.20"], ["Mill", "08:12", "1.60"], ["Dock", "08:20", "2.00"]]
    dues = [["Measure", "2024/25", ""], ["Turnover", "19.4 million pounds", ""], ["Staff", "212", ""]]
    upper = table(stops, 700, "no", "no")
    lower = table([[a, "", b] for a, b, _ in dues], 580, "no", "no").replace("255", "180")
    text = parse_pdf(pdf("\n".join([upper, words(55, 600, "Measures of the year."), lower]))).text
    assert "Stop: Dock; At: 08:20; Fare: 2.00" in text and "Measure: Staff; 2024/25: 212" in text


def test_tables_that_touch_are_told_apart_by_their_columns():
    lower = table([["Lifts", "12 t"], ["Reach", "22 m"], ["Built", "1987"]], 620)
    for old, new in (("250 ", "350 "), ("155 ", "195 "), ("150 6", "190 6"), ("150 5", "190 5")):
        lower = lower.replace(old, new)
    found = cells(f"{table(ROWS, 700)}\n{lower}")
    assert found["Knot", "Slip"] == "C2" and found["Reach", ""] == "22 m"


def test_a_header_above_one_long_row_at_the_foot_of_a_page():
    head = table([["Watch", "Duty", "Remark"]], 200)
    body = [words(55, 168, "Dog"), words(155, 168, "ropes")]
    body += [words(255, 168 - 11 * n, "all gear that the mate must see to" if n else "Stow it,") for n in range(7)]
    body += [f"{x} 180 m {x} 90 l S" for x in XS] + ["50 90 m 350 90 l S"]
    found = cells("\n".join([head, *body]))
    assert found["Dog", "Duty"] == "ropes" and found["Dog", "Remark"].startswith("Stow it, all gear")


def test_each_row_stands_on_its_own_page():
    rows = [[f"Buoy {n}", f"{n} m", "red"] for n in range(1, 7)]
    parsed = parse_pdf(pdf(table([ROWS[0], *rows[:3]], 200), table(rows[3:], 780)))
    pages = {parsed.text[section.start : section.end].count("Buoy"): section.page for section in parsed.sections}
    assert [(s.page, parsed.text[s.start : s.end].count("Boat: Buoy")) for s in parsed.sections] == [(1, 3), (2, 3)], (
        pages
    )


def test_a_cell_of_several_lines_without_borders():
    left = {686: "Part", 666: "Rope, twelve", 654: "Metres long", 634: "Shackle", 614: "Paint, large", 602: "Tins"}
    right = {686: "Use", 666: "Mooring", 634: "Lifting", 614: "Hulls"}
    found = cells(
        "\n".join(words(x, y, text) for x, column in ((55, left), (155, right)) for y, text in column.items())
    )
    assert found["Rope, twelve Metres long", "Use"] == "Mooring" and found["Paint, large Tins", "Use"] == "Hulls"


def test_a_cell_over_two_rows_stands_in_both():
    grid = table([["Quay", "Day", "Hour"], ["", "Monday", "06:30"], ["", "Friday", "17:15"]], down="all")
    grid = grid.replace("50 660 m 350 660 l S", "150 660 m 350 660 l S") + "\n" + words(55, 655, "East")
    found = parse_pdf(pdf(grid)).text
    assert "Quay: East; Day: Monday; Hour: 06:30" in found and "Quay: East; Day: Friday; Hour: 17:15" in found


def test_a_frame_of_columns_is_no_table():
    left = [
        "The harbour was dredged in spring and",
        "the spoil was carried far out to sea,",
        "where it will harm neither the beds",
        "of mussels nor the nets of the boats",
        "that work along the northern shore,",
        "as the wardens promised in winter.",
    ]
    right = [line.replace("the", "a") for line in left]
    text = [words(x, 680 - 12 * n, line) for x, lines in ((55, left), (275, right)) for n, line in enumerate(lines)]
    frame = "50 600 m 480 600 l S 50 700 m 480 700 l S " + " ".join(f"{x} 600 m {x} 700 l S" for x in (50, 265, 480))
    found = parse_pdf(pdf("\n".join([frame, *text]))).text
    assert " ".join(left) in found and " ".join(right) in found


def test_a_table_amid_a_sentence_stands_after_it():
    above, below = words(50, 740, "The fleet was counted by the"), words(50, 560, "harbour guard on a calm evening.")
    found = parse_pdf(pdf("\n".join([above, table(ROWS), below]))).text
    assert found.startswith("The fleet was counted by the harbour guard on a calm evening.") and "Boat: Tern" in found
