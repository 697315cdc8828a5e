"""Text that people see and that readers of formats easily lose.

Cells beyond a table's named columns, tracked insertions, lines that are alike on all pages.
"""

import io
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag.documents.document import parse_document
from samples import lines, pdf, saved


def text(name: str, data) -> list[str]:
    document = parse_document(Path(name), name, data if isinstance(data, bytes) else data.encode())
    return [line for line in document.text.split("\n") if line]


def test_cells_beyond_the_named_columns_stay():
    table = "<table><tr><th colspan=2>Mooring fees 2024</th></tr><tr><td>Yachts</td><td>40 pounds</td></tr></table>"
    assert text("a.html", f"<body>{table}</body>") == ["Mooring fees 2024", "Yachts: 40 pounds"]
    assert text("a.csv", "name,fee\nYacht,40,per night only\nDinghy\n") == [
        "name: Yacht; fee: 40; per night only",
        "name: Dinghy",
    ]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<b>Harbour Office<br>12 Quay Street</b>", ["Harbour Office 12 Quay Street"]),
        ("<h2>Opening<br>hours</h2><p>Nine.</p>", ["Opening hours", "Nine."]),
        ("<a href=x><h3>Bridge</h3><p>Opens at <i>nine</i></p></a> daily", ["Bridge", "Opens at nine", "daily"]),
        ("see <span><b><em>the <div>crane</div></em></b></span>", ["see the", "crane"]),
        ("one<i>t</i>wo <span>and <b>three</b></span>", ["onetwo and three"]),
        (
            "<p>Set by <a>the board<img></a> in <label>March <input type=checkbox> or</label> May</p>",
            ["Set by the board in March ☐ or May"],
        ),
    ],
)
def test_no_words_of_html_are_glued_together(html, found):
    assert text("a.html", f"<body>{html}</body>") == found


def run(words: str, tag: str = "t") -> str:
    return f'<w:r><w:{tag} xml:space="preserve">{words}</w:{tag}></w:r>'


def paragraph(*inside: str) -> str:
    return f"<w:p>{''.join(inside)}</w:p>"


def word(*blocks: str) -> list[str]:
    made = docx.Document()
    for block in blocks:
        made.element.body.insert(-1, parse_xml(block.replace(">", f" {nsdecls('w')}>", 1)))
    return text("a.docx", saved(made))


def test_word_files_show_insertions_and_what_content_controls_hold():
    control = "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>"
    inserted = paragraph(
        run("The fee is "), f'<w:ins w:id="1" w:author="A">{run("40 pounds")}</w:ins>', run(" per day.")
    )
    deleted = paragraph(run("Gate "), f'<w:del w:id="2" w:author="A">{run("three", "delText")}</w:del>', run("four"))
    moved = paragraph(run("North."), f'<w:moveFrom w:id="3" w:author="A">{run(" South.")}</w:moveFrom>')
    empty = "<w:sdt><w:sdtPr>{}</w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
    contents = empty.format(
        '<w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj>', paragraph(run("Fees 3"))
    )
    asked = paragraph(run("Owner: "), empty.format("<w:showingPlcHdr/>", run("Click to enter text.")))
    named = paragraph(run("Name: "), control.format(run("Ada Field")), f"<w:hyperlink>{run(' (mail)')}</w:hyperlink>")
    whole = control.format(paragraph(run("A whole block.")))
    cell = f"<w:tc>{paragraph(run('{}'))}</w:tc>"
    row = f"<w:tr>{cell.format('Owner')}{control.format(cell.format('Ada Field'))}</w:tr>"
    form = f"<w:tbl><w:tblPr/><w:tblGrid/>{row}</w:tbl>"
    assert word(inserted, deleted, moved, named, whole, contents, asked, form) == [
        "The fee is 40 pounds per day.",
        "Gate four",
        "North.",
        "Name: Ada Field (mail)",
        "A whole block.",
        "Owner:",
        "Owner: Ada Field",
    ]


def test_tables_in_cells_of_word_files_are_read():
    made = docx.Document()
    outer = made.add_table(2, 1)
    outer.cell(0, 0).text, outer.cell(1, 0).text = "Berths", "North:"
    inner = outer.cell(1, 0).add_table(2, 2)
    for (row, column), words in {(0, 0): "berth", (0, 1): "depth", (1, 0): "A1", (1, 1): "5 m"}.items():
        inner.cell(row, column).text = words
    assert text("a.docx", saved(docx.Document(io.BytesIO(saved(made))))) == ["Berths: North: berth: A1; depth: 5 m"]
    wide = docx.Document()
    table = wide.add_table(1, 3)
    merged = table.cell(0, 0).merge(table.cell(0, 2))
    merged.add_table(1, 1).cell(0, 0).text = "Once."
    assert text("a.docx", saved(wide)) == ["Once."], "a merged cell comes once for each of its columns"


@pytest.mark.parametrize("counted", [True, False])
def test_lines_that_differ_in_what_they_say_are_no_running_heads(counted):
    pages = [
        lines(
            (10, "Harbour Trust"),
            (10, f"{month} was calm."),
            (10, f"Boats moored: {boats}"),
            (10, f"No rain on {boats - 9} days."),
            (10, f"page {n} of 3"),
        )
        for n, (month, boats) in enumerate([("May", 41), ("June", 57), ("July", 38)], 1)
    ]
    found = " ".join(text("a.pdf", pdf(*pages if counted else pages[::-1])))
    assert all(f"Boats moored: {boats}" in found and f"on {boats - 9} days" in found for boats in (41, 57, 38))
    assert "Harbour Trust" not in found and ("page" in found) is not counted, "whose numbers go down counts no pages"


def test_what_is_the_same_in_the_middle_of_pages_stays():
    page = [(10, f"line {n}") for n in "abc"]
    found = " ".join(
        text(
            "a.pdf",
            pdf(
                *[
                    lines(*page, (10, "Pay by Friday."), (10, word), (10, "x y"), (10, "z"))
                    for word in ("North", "South")
                ]
            ),
        )
    )
    assert found.count("Pay by Friday.") == 2 and "line a" not in found


def test_a_number_sign_at_the_edge_of_a_page_is_no_number():
    pages = [
        lines((10, form), (10, word), (10, "x"), (10, "y"))
        for form, word in (("Form #", "North."), ("Form 7", "South."))
    ]
    assert text("a.pdf", pdf(*pages))[0] == "Form #"
