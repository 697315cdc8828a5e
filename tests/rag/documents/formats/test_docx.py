"""What a Word file shows beside its paragraphs: boxes, notes, margins, list numbers, comments, changes, drawings."""

from pathlib import Path

import docx
import pytest

from rag.core.sections import DocumentSettings
from rag.documents.document import parse_document
from word_files import WordFile, c, drawing, element, field, level, numbered, old_text_box, p, r, row, table, text_box


def read(made: WordFile, **settings):
    return parse_document(Path("a.docx"), "a.docx", made.bytes(), DocumentSettings(**settings))


def lines(made: WordFile, **settings) -> list[str]:
    return [line for line in read(made, **settings).text.split("\n") if line]


def test_text_boxes_are_read_once_with_what_is_in_them():
    inner = p("Ring ", text_box(p("the bell twice.")))
    old = old_text_box(p("Pilot: channel 12."))
    made = WordFile().body(
        p("Arrivals.", text_box(inner, table(row("Berth", "Depth"), row("C4", "6 m")))), p(f"<w:r>{old}</w:r>")
    )
    assert lines(made) == ["Arrivals.", "Ring", "the bell twice.", "Berth: C4; Depth: 6 m", "Pilot: channel 12."]
    both = f"<mc:AlternateContent><mc:Choice Requires='x'/><mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
    only_old = f"<w:r>{both}</w:r>"
    assert lines(WordFile().body(p(only_old))) == ["Pilot: channel 12."]


def test_notes_follow_what_they_belong_to_and_the_rule_above_them_is_no_note():
    def mark(kind: str, id: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{id}"/></w:r>'

    made = WordFile().notes(p("Less 4 % in winter."), p("Of the year 2024."))
    made.notes(p("See the ", "<w:r/>", "yearbook."), kind="endnote")
    made.body(p("The rent is 310 pounds.", mark("footnote", 2), mark("endnote", 1)))
    made.body(
        table(row("Hall", "Rent"), row("North", c("55").replace("</w:p>", mark("footnote", 1) + "</w:p>"))), p("End.")
    )
    assert lines(made) == [
        "The rent is 310 pounds.",
        "Note 1: Of the year 2024.",
        "Endnote 1: See the yearbook.",
        "Hall: North; Rent: 55",
        "Note 2: Less 4 % in winter.",
        "End.",
    ]


def test_each_page_header_and_footer_comes_once_and_without_numbers_of_pages():
    made = WordFile().body(p("Words."))
    section = made.made.sections[0]
    section.header.paragraphs[0].text = "Lease HX-3391"
    section.footer.paragraphs[0].text = "Rev. 7 – "
    for part in (p(field("PAGE", "3")), p("Page ", field("PAGE \\* Arabic", "3"), " of ", field("NUMPAGES", "12"))):
        section.footer._element.append(element(part))
    simple = p("Signed 9 May 2031 | p. ", '<w:fldSimple w:instr="PAGE">' + r("4") + "</w:fldSimple>")
    section.footer._element.append(element(simple))
    section.even_page_header.paragraphs[0].text = "Never printed"
    made.made.add_section().header.is_linked_to_previous = False
    made.made.sections[1].header.paragraphs[0].text = "Lease HX-3391"
    document = read(made)
    assert document.text.split("\n\n")[:2] == ["Page header: Lease HX-3391", "Page footer: Rev. 7; Signed 9 May 2031"]
    assert document.title == "a" and "Never" not in document.text
    made.made.settings.odd_and_even_pages_header_footer = True
    assert "Page header: Never printed" in read(made).text
    assert "Page header: Lease" not in read(made.body(p("Lease HX-3391"))).text


def test_list_numbers_are_read_in_every_form_and_restart():
    made = WordFile().lists(
        level(0, "decimal", "%1.") + level(1, "lowerLetter", "(%2)") + level(2, "upperRoman", "%1.%2.%3", 4),
        level(0, "upperLetter", "Annex %1:") + level(1, "bullet", "•"),
        '<w:num w:numId="9"><w:abstractNumId w:val="1"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="20"/></w:lvlOverride></w:num>',
    )
    made.body(
        p("one", properties=numbered(1)),
        p("a", properties=numbered(1, 1)),
        p("b", properties=numbered(1, 1)),
        p("deep", properties=numbered(1, 2)),
        p("between"),
        p("two", properties=numbered(1)),
        p("a again", properties=numbered(1, 1)),
        p("twenty", properties=numbered(9)),
        p("plans", properties=numbered(2)),
        p("a dot", properties=numbered(2, 1)),
        p("none", properties=numbered(0)),
        table(row(f"<w:tc>{p('in a cell', properties=numbered(1))}</w:tc>", "x")),
    )
    assert lines(made) == [
        "1. one",
        "(a) a",
        "(b) b",
        "1.b.IV deep",
        "between",
        "2. two",
        "(a) a again",
        "20. twenty",
        "Annex A: plans",
        "a dot",
        "none",
        "21. in a cell: x",
    ]


def test_styles_number_headings_and_lists():
    made = WordFile().lists(
        level(0, "decimal", "Part %1", more='<w:pStyle w:val="Heading1"/>')
        + level(1, "decimal", "%1.%2", more='<w:pStyle w:val="Heading2"/>')
    )
    for name in ("Heading1", "Heading2", "ListNumber"):
        style = next(s.element for s in made.made.styles if s.style_id == name)
        for old in style.pPr.findall(docx.oxml.ns.qn("w:numPr")):
            style.pPr.remove(old)
        if name != "ListNumber":
            style.pPr.append(element('<w:numPr><w:numId w:val="1"/></w:numPr>'))
    made.body(p("Fees", style="Heading1"), p("Yachts", style="Heading2"), p("40 pounds."), p("Boats", style="Heading2"))
    document = read(made)
    assert [s.headings for s in document.sections] == [
        ("Part 1 Fees",),
        ("Part 1 Fees", "1.1 Yachts"),
        ("Part 1 Fees", "1.2 Boats"),
    ]


def test_comments_and_deletions_are_settings():
    made = WordFile()
    comment = '<w:comment w:id="4" w:author="Ida Moss">{}</w:comment>'.format(p("Ask the board.") + p("Twice."))
    made.part("comments", f"<w:comments>{comment}</w:comments>")
    gone = '<w:del w:id="1" w:author="B"><w:r><w:delText>18</w:delText></w:r></w:del>'
    made.body(p("The fee is ", gone, "25 pounds.", '<w:r><w:commentReference w:id="4"/></w:r>'))
    assert lines(made) == ["The fee is 25 pounds.", "Comment by Ida Moss: Ask the board.", "Twice."]
    assert read(made).unread == ("tracked deletion: left out (documents.deletions)",)
    assert lines(made, comments=False, deletions=True) == ["The fee is [deleted: 18]25 pounds."]
    assert read(made, comments=False, deletions=True).unread == ("comment: left out (documents.comments)",)


def test_fields_forms_symbols_and_formulas():
    form = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{}</w:ffData></w:fldChar></w:r>'
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    box = form.format('<w:checkBox><w:default w:val="1"/></w:checkBox>')
    entries = '<w:listEntry w:val="red"/><w:listEntry w:val="blue"/>'
    choice = form.format(f'<w:ddList><w:result w:val="1"/>{entries}</w:ddList>')
    half = (
        "<m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>"
    )
    made = WordFile().body(
        p(box, end, " insured; flag ", choice, end),
        p("Due on ", field('IF 1 = 1 "x"', field("DATE", "7 July")), "."),
        p("Angle ", '<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>', ", mean ", half),
        p(field("TOC \\o", "Fees 3"), style="TOC1"),
    )
    toc = made.made.styles.add_style("toc 1", 1)
    toc.element.set(docx.oxml.ns.qn("w:styleId"), "TOC1")
    assert lines(made) == ["☒ insured; flag blue", "Due on 7 July.", "Angle α, mean (a+b)/(2)"]


def test_a_field_that_never_ends_loses_nothing():
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    assert lines(WordFile().body(p("One. ", begin), p("Two."), p(begin, begin), p("Three."))) == [
        "One.",
        "Two.",
        "Three.",
    ]


def test_charts_diagrams_and_descriptions_of_pictures():
    made = WordFile()
    values = "".join(f'<c:pt idx="{n}"><c:v>{v}</c:v></c:pt>' for n, v in enumerate((0.25, 0.4)))
    names = "".join(f'<c:pt idx="{n}"><c:v>{v}</c:v></c:pt>' for n, v in enumerate(("Cork", "Pine")))
    title = "<c:title><c:tx><c:rich><a:p><a:r><a:t>Timber</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    series = (
        f"<c:ser><c:tx><c:v>Share</c:v></c:tx><c:cat><c:strLit>{names}</c:strLit></c:cat>"
        f"<c:val><c:numRef><c:numCache><c:formatCode>0%</c:formatCode>{values}</c:numCache></c:numRef></c:val></c:ser>"
    )
    area = f"<c:plotArea><c:pieChart>{series}</c:pieChart></c:plotArea>"
    plot = f"<c:chartSpace><c:chart>{title}{area}</c:chart></c:chartSpace>"
    empty = plot.replace(values, "").replace(names, "")
    point = '<dgm:pt modelId="{}" type="{}"><dgm:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></dgm:t></dgm:pt>'
    points = point.format(1, "node", "Order") + point.format(2, "pres", "no") + point.format(3, "node", "Deliver")
    data = made.part("data1", f"<dgm:dataModel><dgm:ptLst>{points}</dgm:ptLst></dgm:dataModel>", "diagramData")
    charts = [made.part(f"chart{n}", xml, "chart") for n, xml in enumerate((plot, empty))]
    picture = "<pic:pic><pic:blipFill/></pic:pic>"
    made.body(
        *(p(drawing(f'<c:chart r:id="{id}"/>')) for id in charts),
        p(drawing(f'<dgm:relIds r:dm="{data}"/>')),
        p(drawing(picture, properties='descr="The new quay at low tide"')),
        p(drawing(picture, properties='descr="IMG_2201.jpg"')),
        p(drawing(picture)),
        p('<w:r><w:object><o:OLEObject ProgID="Excel.Sheet.12"/></w:object></w:r>'),
    )
    assert lines(made) == [
        "Chart: Timber",
        "Category: Cork; Share: 25%",
        "Category: Pine; Share: 40%",
        "Chart: Timber",
        "Order",
        "Deliver",
        "Picture: The new quay at low tide",
    ]
    assert read(made).unread == (
        "chart without saved values",
        "2 × picture without text",
        "embedded object (Excel.Sheet.12)",
    )


@pytest.mark.parametrize("marked", [True, False])
def test_merged_cells_stand_in_each_place_and_a_marked_row_is_the_header(marked):
    down, goes_on, wide = '<w:vMerge w:val="restart"/>', "<w:vMerge/>", '<w:gridSpan w:val="2"/>'
    header = "<w:tblHeader/>" if marked else ""
    made = WordFile().body(
        table(
            row("Zone", "Warden", "Spaces", properties=header),
            row(c("East", down), "A. Bell", "40"),
            row(c("", goes_on), "C. Dorn", "35"),
            row("West", c("vacant", wide)),
        )
    )
    assert lines(made) == [
        "Zone: East; Warden: A. Bell; Spaces: 40",
        "Zone: East; Warden: C. Dorn; Spaces: 35",
        "Zone: West; Warden: vacant; Spaces: vacant",
    ]


def test_numbers_that_no_file_should_have_are_borne():
    wide = c("Zone", '<w:gridSpan w:val="1000000000"/>')
    made = WordFile().lists(level(0, "lowerRoman", "%1.", start=999_999_999), level(0, "decimal", "%1%9."))
    made.body(table(row(wide, "Fee"), row("East", "4")), p("item", properties=numbered(1)))
    made.body(p("other", properties=numbered(2, 0)), p("far", properties=numbered(1, 999)))
    assert lines(made)[-3:] == ["999999999. item", "10. other", "far"]
