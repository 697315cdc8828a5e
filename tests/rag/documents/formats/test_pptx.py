"""What slides show beside their text: charts, diagrams, merged cells, list numbers, pictures, comments."""

import base64
import io
from pathlib import Path

import pptx
import pytest
from lxml import etree
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.document import parse_document
from samples import saved

DRAWING = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
SLIDE = f'{DRAWING} xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


def read(made, **settings):
    return parse_document(Path("a.pptx"), "a.pptx", saved(made), DocumentSettings(**settings))


def lines(made, **settings) -> list[str]:
    return [line for line in read(made, **settings).text.split("\n") if line]


def deck(*titles: str):
    made = pptx.Presentation()
    for title in titles:
        made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = title
    return made


def shares(name: str = "", code: str = "General") -> CategoryChartData:
    data = CategoryChartData(number_format=code)
    data.categories = ["Quay North", "Quay East"]
    data.add_series(name or "2031", (0.125, 0.5))
    if not name:
        data.add_series("2030", (0.25, None))
    return data


def add_chart(shapes, data, kind=XL_CHART_TYPE.COLUMN_CLUSTERED, title: str = ""):
    chart = shapes.add_chart(kind, 0, 0, 9999, 9999, data).chart
    if title:
        chart.has_title = True
        chart.chart_title.text_frame.text = title
    return chart


def part(made, of, name: str, xml: str, kind: str) -> str:
    """Add a part to one of the file, and return the id of the relationship to it."""
    made_part = Part(PackURI(f"/ppt/{name}.xml"), "application/xml", of.package, xml.encode())
    return of.relate_to(made_part, kind)


def test_charts_are_tables_with_the_numbers_as_they_are_shown():
    made = deck("Use", "Costs")
    add_chart(made.slides[0].shapes, shares(code="0.0%"), title="Share of berths")
    chart = add_chart(made.slides[1].shapes, shares("Euros"), XL_CHART_TYPE.PIE)
    chart.plots[0].has_data_labels = True
    chart.plots[0].data_labels.number_format = '0.00 "€"'
    series = chart._chartSpace.xpath(".//c:ser")[0]
    series.append(chart._chartSpace.xpath(".//c:pieChart/c:dLbls")[0])
    assert lines(made) == [
        "Use",
        "Chart: Share of berths",
        "Quay North; 2031: 12.5%; 2030: 25.0%",
        "Quay East; 2031: 50.0%",
        "Costs",
        "Chart",
        "Category: Quay North; Euros: 0.13 €",
        "Category: Quay East; Euros: 0.50 €",
    ]
    (cell,) = (c for s in read(made).sections for c in s.cells if c.row_name == "Quay East" and c.column == "2031")
    assert read(made).text[cell.start : cell.end] == "50.0%"


def test_axes_name_categories_and_points_of_two_numbers_are_pairs():
    made = deck("Wear")
    data = XyChartData()
    for name, points in (("rope", ((1, 7), (2, 9))), ("chain", ((4, 2), (8, 3)))):
        series = data.add_series(name)
        for point in points:
            series.add_data_point(*point)
    add_chart(made.slides[0].shapes, data, XL_CHART_TYPE.XY_SCATTER)
    chart = add_chart(made.slides[0].shapes, shares("boats"))
    chart.category_axis.axis_title.text_frame.text, chart.value_axis.axis_title.text_frame.text = "Quay", "thousands"
    assert lines(made)[1:] == [
        "Chart",
        "Category: 1; rope: 7",
        "Category: 2; rope: 9",
        "Category: 4; chain: 2",
        "Category: 8; chain: 3",
        "Chart: (Quay; thousands)",
        "Quay: Quay North; boats: 0.125",
        "Quay: Quay East; boats: 0.5",
    ]


def test_a_chart_in_a_group_and_one_without_saved_values():
    made = deck("Plans")
    group = made.slides[0].shapes.add_group_shape()
    frame = made.slides[0].shapes.add_chart(XL_CHART_TYPE.LINE, 0, 0, 9, 9, shares("planned"))
    group._element.append(frame._element)
    empty = add_chart(made.slides[0].shapes, shares("lost"))
    for points in empty._chartSpace.xpath(".//c:strCache | .//c:numCache"):
        points.getparent().remove(points)
    assert "Category: Quay East; planned: 0.5" in lines(made)
    assert read(made).unread == ("slide 1: chart without saved values",)


def test_diagrams_are_read():
    made = deck("How to berth")
    box = '<d:pt modelId="{}" type="{}"><d:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></d:t></d:pt>'
    points = box.format(1, "node", "Call the office") + box.format(2, "parTrans", "no") + box.format(3, "node", "Moor")
    diagram = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    data = f'<d:dataModel xmlns:d="{diagram}" {DRAWING}><d:ptLst>{points}</d:ptLst></d:dataModel>'
    id = part(made, made.slides[0].part, "diagrams/data1", data, f"{RELATION}/diagramData")
    frame = (
        f'<p:graphicFrame {SLIDE} xmlns:r="{RELATION}"><p:nvGraphicFramePr><p:cNvPr id="9" name="D"/>'
        f"<p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm/><a:graphic><a:graphicData uri='{diagram}'>"
        f'<d:relIds xmlns:d="{diagram}" r:dm="{id}"/></a:graphicData></a:graphic></p:graphicFrame>'
    )
    made.slides[0].shapes._spTree.append(parse_xml(frame))
    assert lines(made) == ["How to berth", "Call the office", "Moor"]


def test_merged_cells_stand_in_each_place_that_they_cover():
    made = deck("Rota")
    table = made.slides[0].shapes.add_table(4, 3, 0, 0, 99, 99).table
    words = {(0, 0): "Shift", (0, 1): "Watch", (0, 2): "Phone", (1, 0): "Night", (1, 1): "R. Falk", (1, 2): "5512"}
    for (row, column), text in {**words, (2, 1): "M. Oye", (2, 2): "5513", (3, 0): "Day", (3, 1): "T. Ruiz"}.items():
        table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(3, 1).merge(table.cell(3, 2))
    assert lines(made)[1:] == [
        "Shift: Night; Watch: R. Falk; Phone: 5512",
        "Shift: Night; Watch: M. Oye; Phone: 5513",
        "Shift: Day; Watch: T. Ruiz; Phone: T. Ruiz",
    ]


def test_lists_have_their_numbers():
    made = deck("Steps")
    frame = made.slides[0].shapes.add_textbox(0, 0, 9, 9).text_frame
    items = (
        ("arabicPeriod", 0, "Open"),
        ("alphaUcParenR", 1, "slowly"),
        ("alphaUcParenR", 1, "fully"),
        ("", 0, "Wait"),
    )
    for kind, level, text in (*items, ("romanLcParenBoth", 0, "Close")):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
        if kind:
            start = ' startAt="3"' if kind == "romanLcParenBoth" else ""
            paragraph._p.get_or_add_pPr().append(parse_xml(f'<a:buAutoNum {DRAWING} type="{kind}"{start}/>'))
    assert lines(made)[1:] == ["1. Open", "A) slowly", "B) fully", "Wait", "(iii) Close"]


def test_pictures_are_described_or_named_and_the_title_above_one_can_be_found():
    made = deck("The new crane", "The old crane")
    for slide, words in zip(made.slides, ("scan.png", "A crane with two hooks"), strict=True):
        picture = slide.shapes.add_picture(io.BytesIO(PNG), 0, 0)
        picture._element.nvPicPr.cNvPr.set("descr", words)
    assert lines(made) == [
        "The new crane",
        "[picture without text]",
        "The old crane",
        "Picture: A crane with two hooks",
    ]
    assert read(made).unread == ("slide 1: picture without text",)
    only_pictures = deck("")
    only_pictures.slides[0].shapes.add_picture(io.BytesIO(PNG), 0, 0)
    with pytest.raises(DocumentError, match="no text"):
        read(only_pictures)


def test_hidden_slides_and_comments_are_settings():
    made = deck("Open", "Secret plan")
    made.slides[1]._element.set("show", "0")
    authors = f'<p:cmAuthorLst {SLIDE}><p:cmAuthor id="3" name="Vera Lind" initials="V"/></p:cmAuthorLst>'
    part(made, made.part, "commentAuthors", authors, f"{RELATION}/commentAuthors")
    comment = (
        f'<p:cmLst {SLIDE}><p:cm authorId="3" idx="1"><p:pos x="1" y="1"/><p:text>Is it 40?</p:text></p:cm></p:cmLst>'
    )
    part(made, made.slides[0].part, "comments/comment1", comment, f"{RELATION}/comments")
    assert lines(made) == ["Open", "Comment by Vera Lind: Is it 40?"]
    assert read(made).unread == ("slide 2: hidden, left out (documents.hidden)",)
    made.slides[0].shapes.add_textbox(0, 0, 9, 9).text_frame.text = "Words."
    assert lines(made, comments=False, hidden=True) == ["Open", "Words.", "Secret plan"]
    assert read(made, comments=False, hidden=True).unread == ("slide 1: comment: left out (documents.comments)",)


def test_what_is_there_for_new_and_for_old_programs_is_read_once():
    made = deck("Sum")
    tree = made.slides[0].shapes._spTree
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="{}" name="T"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        "<p:txBody><a:bodyPr/><a:p>{}</a:p></p:txBody></p:sp>"
    )
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    formula = (
        f'<a14:m xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"><m:oMathPara xmlns:m="{math}">'
        "<m:oMath><m:r><m:t>E=m</m:t></m:r></m:oMath></m:oMathPara></a14:m>"
    )
    new = shape.format(7, f"<a:r><a:t>Total: </a:t></a:r>{formula}")
    both = (
        f'<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" {SLIDE}>'
        f'<mc:Choice Requires="a14">{new}</mc:Choice><mc:Fallback>{shape.format(7, "")}</mc:Fallback>'
        "</mc:AlternateContent>"
    )
    tree.append(etree.fromstring(both))
    assert lines(made) == ["Sum", "Total: E=m"]
