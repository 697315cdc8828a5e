"""Workbooks as people see them: number formats, merged and hidden cells, tables, what stands beside the cells."""

import base64
import datetime
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.worksheet.table import Table

from rag.core.sections import DocumentSettings
from rag.documents.document import parse_document
from rag.documents.formats.office.number_format import shown_number
from samples import saved

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


def read(made, **settings):
    data = made if isinstance(made, bytes) else saved(made)
    return parse_document(Path("a.xlsx"), "a.xlsx", data, DocumentSettings(**settings))


def lines(made, **settings) -> list[str]:
    return [line for line in read(made, **settings).text.split("\n") if line]


def book(*rows, title: str = "Sheet"):
    made = openpyxl.Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(row)
    return made


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.0825, "0.0%", "8.3%"),
        (0.4, "0%", "40%"),
        (3999.9, "#,##0.00", "3,999.90"),
        (72000, "#,##0", "72,000"),
        (41.5, "[$£-809]#,##0.00", "£41.50"),
        (1250.5, '#,##0.00 "€"', "1,250.50 €"),
        (-7.25, "$#,##0.00;[Red]($#,##0.00)", "($7.25)"),
        (-7.25, "0.00;[Red]0.00", "-7.25"),
        (-0.001, "0.00;[Red]0.00", "0.00"),
        (46000, "dd/mm/yyyy", "09/12/2025"),
        (46000, "d mmmm yyyy", "9 December 2025"),
        (46000, "dd.mm.yy;@", "09.12.25"),
        (46000, "d. mmmm", "9. December"),
        (0.0125, "mm:ss.0", "18:00.0"),
        (46000, '"a.d." d.m.', "a.d. 9.12."),
        (46000, "mm-dd-yy", "2025-12-09"),
        (46000.25, "m/d/yy h:mm", "2025-12-09 6:00"),
        (2.5, "[h]:mm", "60:00"),
        (0.28125, "h:mm", "6:45"),
        (0.78125, "h:mm AM/PM", "6:45 PM"),
        (9, "000", "009"),
        (5.75, "# ?/?", "5 3/4"),
        (0.00042, "0.00E+00", "4.20E-04"),
        (12, '0 "boats"', "12 boats"),
        (5_550_142, "000-0000", "555-0142"),
        (7, ";;;", ""),
        (-1234.5, BUILTIN_FORMATS[44], "(1,234.50)"),
        (1234, BUILTIN_FORMATS[41], "1,234"),
        (1 / 3, "General", "0.3333333333"),
        (0.1 + 0.2, "", "0.3"),
        (4006381333931, "General", "4006381333931"),
        (-3, "dd/mm/yyyy", "-3"),
        (5, "[", "5"),
        (1, "0" * 5000, "1"),
    ],
)
def test_numbers_are_shown_in_their_formats(value, code, shown):
    assert shown_number(value, code) == shown


def test_cells_of_all_kinds_as_they_are_shown():
    made = book(["Item", "Rate", "Paid", "Done", "Code", "Since", "Lasts", "At"])
    made.active.append(["Rope", 0.035, 1999.5, True, "007", datetime.date(2030, 5, 9), 1.25, datetime.time(6, 5)])
    formats = {"B": "0.0%", "C": '"CHF" #,##0.00', "F": "dd.mm.yyyy", "G": "[h]:mm", "H": "h:mm"}
    for column, code in formats.items():
        made.active[f"{column}2"].number_format = code
    made.active["J2"] = "#N/A"
    shown = (
        "Item: Rope; Rate: 3.5%; Paid: CHF 1,999.50; Done: TRUE; Code: 007; Since: 09.05.2030; Lasts: 30:00; At: 6:05"
    )
    assert lines(made)[1] == f"{shown}; #N/A"


def test_days_are_counted_from_1904_where_the_workbook_says_so():
    made = book(["Boat", "Built"], ["Tern", datetime.date(1999, 7, 3)], ["Skua", datetime.date(2003, 1, 2)])
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert lines(made)[1:] == ["Boat: Tern; Built: 1999-07-03", "Boat: Skua; Built: 2003-01-02"]


def test_merged_cells_stand_in_each_place_that_they_cover():
    made = book(
        ["Moorings 2031", None, None, None],
        ["Basin", "Berth", "Owner", None],
        [None, None, "Name", "Town"],
        ["Inner", "N1", "K. Ahl", "Rye"],
        [None, "N2", "vacant", None],
        ["Outer", "S1", "P. Dow", "Ely"],
    )
    for area in ("A1:D1", "A2:A3", "B2:B3", "C2:D2", "A4:A5", "C5:D5"):
        made.active.merge_cells(area)
    assert lines(made)[1:] == [
        "Moorings 2031",
        "Basin: Inner; Berth: N1; Owner Name: K. Ahl; Owner Town: Rye",
        "Basin: Inner; Berth: N2; Owner Name: vacant; Owner Town: vacant",
        "Basin: Outer; Berth: S1; Owner Name: P. Dow; Owner Town: Ely",
    ]


@pytest.mark.parametrize("merged", [True, False])
def test_a_text_beside_a_table_comes_once_and_is_not_lost(merged):
    text = "Everyone who brings a boat signs the book at the gate, and the warden keeps it for as long as the law asks."
    made = book(["Boat", "Fee", None, text], ["Gig", 4], ["Yawl", 9])
    if merged:
        made.active.merge_cells("D1:E3")
    assert lines(made)[1:] == ["Boat: Gig; Fee: 4", "Boat: Yawl; Fee: 9", text]


def test_hidden_sheets_rows_and_columns_are_left_out_and_named():
    made = book(["Boat", "Cost", "Fee"], ["Gig", 3, 4], ["Yawl", 5, 9], ["Sloop", 6, 11], title="Fees")
    made.active.row_dimensions[3].hidden = True
    made.active.column_dimensions["B"].hidden = True
    made.active.column_dimensions["H"].hidden = True
    made.create_sheet("Wages").append(["Guard", 900])
    made["Wages"].sheet_state = "veryHidden"
    document = read(made)
    assert document.text.split("\n")[:3] == ["Fees", "Boat: Gig; Fee: 4", "Boat: Sloop; Fee: 11"]
    assert document.unread == (
        "sheet 'Fees': hidden row: left out (documents.hidden)",
        "sheet 'Fees': hidden column: left out (documents.hidden)",
        "sheet 'Wages': hidden, left out (documents.hidden)",
    )
    whole = read(made, hidden=True)
    assert "Boat: Yawl; Cost: 5; Fee: 9" in whole.text and "Guard" in whole.text and whole.unread == ()


def test_a_merged_cell_that_begins_in_a_hidden_row_is_seen_in_the_others():
    made = book(["Region", "Name", "Hours"], ["West", "A. Dow", 3], [None, "B. Ek", 5], [None, "C. Rye", 8])
    made.active.append(["East", "D. Fox", 9])
    made.active.merge_cells("A2:A4")
    made.active.row_dimensions[2].hidden = True
    assert lines(made)[1:] == [
        "Region: West; Name: B. Ek; Hours: 5",
        "Region: West; Name: C. Rye; Hours: 8",
        "Region: East; Name: D. Fox; Hours: 9",
    ]


def test_tables_below_and_beside_each_other_have_their_own_columns():
    made = book(
        ["Boat", "Fee", None, "Guard", "Hours"],
        ["Gig", 4, None, "Ann", "6 to 14"],
        ["Yawl", 9, None, "Bo", "14 to 22"],
        [],
        ["Month", "Visitors"],
        ["May", 310],
        ["June", 422],
    )
    found = lines(made)[1:]
    assert "Month: May; Visitors: 310" in found and "Month: June; Visitors: 422" in found
    assert any("Guard: Ann; Hours: 6 to 14" in line for line in found)


@pytest.mark.parametrize("mark", ["bold", "shaded", ""])
def test_rows_that_are_marked_at_the_top_are_the_header(mark):
    made = book(["Kestrel", "Merlin"], ["Harrier", "Kite"], ["Osprey", "Hobby"])
    for cell in made.active[1]:
        if mark == "bold":
            cell.font = Font(bold=True)
        elif mark:
            cell.fill = PatternFill("solid", "FFCCCC00")
    found = lines(made)[1:]
    assert (found == ["Kestrel: Harrier; Merlin: Kite", "Kestrel: Osprey; Merlin: Hobby"]) is bool(mark)
    for row in made.active.iter_rows():
        for cell in row:
            cell.font = Font(bold=True)
    assert lines(made)[1:] != ["Kestrel: Harrier; Merlin: Kite", "Kestrel: Osprey; Merlin: Hobby"]


def test_a_defined_table_has_its_own_header():
    made = book(["Seen on 4 May"], [], ["Mark", "Sign"], ["red", "can"], ["green", "cone"], ["Ask the warden."])
    made.active.add_table(Table(displayName="Marks", ref="A3:B5"))
    assert lines(made)[1:] == ["Seen on 4 May", "Mark: red; Sign: can", "Mark: green; Sign: cone", "Ask the warden."]


def test_formulas_without_a_saved_value_are_named():
    made = book(["Boat", "Fee"], ["Gig", 4], ["Sum", "=SUM(B2:B2)"], ["Twice", "=2*B2"], title="Fees")
    document = read(made)
    assert "Boat: Gig; Fee: 4" in document.text
    assert document.unread == ("sheet 'Fees': 2 × formula without a saved value: open it in Excel and save it",)


def test_comments_stand_with_their_cells_and_are_a_setting():
    made = book(["Boat", "Fee"], ["Gig", 4], title="Fees")
    made.active["B2"].comment = Comment("Rises in May.", "Nora Beck")
    assert "Comment by Nora Beck on B2: Gig; 4: Rises in May." in lines(made)
    assert read(made, comments=False).unread == ("sheet 'Fees': comment: left out (documents.comments)",)


def with_parts(data: bytes, **parts: str) -> bytes:
    """Return the workbook with members added or replaced; `xl__a__b` stands for xl/a/b.xml."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = {name.replace("__", "/").replace("_rels", ".xml.rels") + ".xml": xml for name, xml in parts.items()}
        for name in old.namelist():
            if name not in names:
                new.writestr(name, old.read(name))
        for name, xml in names.items():
            new.writestr(name.replace(".rels.xml", ".rels"), xml)
    return out.getvalue()


def test_newer_comments_replace_their_copies_for_old_programs():
    made = book(["Boat", "Fee"], ["Gig", 4])
    made.active["B2"].comment = Comment("[Threaded comment]\n\nComment: Why 4?", "tc={1}")
    spaces = 'xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"'
    data = saved(made)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rels = archive.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    more = (
        '<Relationship Id="t1" Type="http://schemas.microsoft.com/office/2017/10/relationships/threadedComment" '
        'Target="/xl/threadedComments/threadedComment1.xml"/></Relationships>'
    )
    data = with_parts(
        data,
        xl__threadedComments__threadedComment1=(
            f'<ThreadedComments {spaces}><threadedComment ref="B2" personId="p1" id="c1"><text>Why 4?</text>'
            "</threadedComment></ThreadedComments>"
        ),
        xl__persons__person=f'<personList {spaces}><person displayName="Jo Rask" id="p1"/></personList>',
    )
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            changed = rels.replace("</Relationships>", more) if name.endswith("sheet1.xml.rels") else old.read(name)
            new.writestr(name, changed)
    assert [line for line in lines(out.getvalue()) if "Comment" in line] == ["Comment by Jo Rask on B2: Gig; 4: Why 4?"]


def test_text_boxes_charts_and_pictures_are_read_or_named():
    made = book(["Boat", "Fee"], ["Gig", 4], ["Yawl", 9], title="Fees")
    chart = BarChart()
    chart.title = "Fees by boat"
    chart.add_data(Reference(made.active, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    made.active.add_chart(chart, "D2")
    made.active.add_image(Image(io.BytesIO(PNG)), "H2")
    data = saved(made)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        drawing = archive.read("xl/drawings/drawing1.xml").decode()
    space = drawing[1 : drawing.index("wsDr")] if ":" in drawing[: drawing.index("wsDr")] else ""
    box = (
        '<xdr:oneCellAnchor xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><xdr:sp><xdr:nvSpPr>'
        '<xdr:cNvPr id="9" name="Box"/><xdr:cNvSpPr/></xdr:nvSpPr><xdr:spPr/><xdr:txBody><a:bodyPr/>'
        "<a:p><a:r><a:t>Paid at the gate.</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:oneCellAnchor>"
    )
    end = f"</{space}wsDr>"
    document = read(with_parts(data, xl__drawings__drawing1=drawing.replace(end, box + end)))
    assert document.text.split("\n")[3:5] == ["Paid at the gate.", "Chart: Fees by boat"]
    assert document.unread == ("sheet 'Fees': picture without text",)


def test_a_sheet_of_thousands_of_rows_is_read_within_the_parsers_limits():
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet("Log")
    sheet.append(["Day", "Boat", "Depth"])
    for n in range(5000):
        sheet.append([n, f"Boat {n}", n / 8])
    document = read(made, max_seconds=4, max_memory=500_000_000)
    assert "Day: 4999; Boat: Boat 4999; Depth: 624.875" in document.text


def test_a_merged_cell_as_large_as_a_sheet_can_be_costs_nothing():
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cols><col min="4" max="16384" '
        'hidden="1" width="9"/></cols><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Once.</t></is></c></row>'
        '<row r="1048576"><c r="B1048576"><v>7</v></c></row></sheetData>'
        '<mergeCells count="1"><mergeCell ref="A1:XFD1048575"/></mergeCells></worksheet>'
    )
    assert lines(with_parts(saved(book(["x"])), xl__worksheets__sheet1=sheet))[1:] == ["Once.", "7"]
