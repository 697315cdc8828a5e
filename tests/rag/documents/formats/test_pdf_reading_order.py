"""The lines of PDF pages come in the order in which people read them, whichever way the file draws them."""

import random

import pytest

from rag.documents.formats.pdf.reader import parse_pdf
from samples import pdf, pdf_of, stream

LEFT = """The mill at Orrby was built by two
brothers in 1871. Its wheel was taken
away after a storm, and a turbine of
ninety kilowatts took its place. The
keeper, Hanne Brodd, lives above it.""".split("\n")
RIGHT = """Guests may see the loft from May to
August. A ticket costs six crowns and
is sold in the bakery next door. No
candles are allowed, and dogs wait in
the yard until their owners return.""".split("\n")


def at(x: float, y: float, words: str, size: float = 10, turn: int = 0) -> str:
    """Return content that sets words at a place; turn: degrees by which they stand turned to the left."""
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0), 45: (1, 1, -1, 1)}[turn]
    words = words.replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {size} Tf {a} {b} {c} {d} {x} {y} Tm ({words}) Tj ET"


def column(x: float, y: float, lines: list[str], size: float = 10, step: float = 12) -> list[str]:
    return [at(x, y - step * n, line, size) for n, line in enumerate(lines)]


def read(*pages: list[str]) -> list[str]:
    """Return the blocks of a PDF with these pages of content."""
    return [block for block in parse_pdf(pdf(*("\n".join(page) for page in pages))).text.split("\n\n") if block]


@pytest.mark.parametrize("order", ["by row", "by column", "any"])
@pytest.mark.parametrize("lower", [0, 4])
def test_columns_are_read_one_after_the_other(order, lower):
    left, right = column(50, 700, LEFT), column(250, 700 - lower, RIGHT)
    drawn = [part for row in zip(left, right, strict=True) for part in row] if order == "by row" else left + right
    if order == "any":
        random.Random(3).shuffle(drawn)
    title = at(50, 740, "The mill of Orrby", 16)
    assert read([*drawn, title]) == ["The mill of Orrby", " ".join(LEFT), " ".join(RIGHT)]


def test_three_columns_below_a_title_and_above_a_foot():
    thirds = [
        LEFT,
        RIGHT,
        ["Bread is baked there on the first", "Sunday of each month, when the", "stones are turned by hand."],
    ]
    parts = [part for n, lines in enumerate(thirds) for part in column(40 + 180 * n, 700, lines, 9)]
    found = read([at(230, 740, "Mills and bakeries", 16), *parts, at(40, 300, "Printed at Orrby in spring", 8)])
    assert found == ["Mills and bakeries", *(" ".join(lines) for lines in thirds), "Printed at Orrby in spring"]


def test_a_heading_with_nothing_beside_it_ends_both_columns():
    halves = [column(x, y, lines) for y in (700, 560) for x, lines in ((50, LEFT), (250, RIGHT))]
    found = read([*halves[0], *halves[1], at(50, 610, "Second part", 15), *halves[2], *halves[3]])
    assert found == [" ".join(LEFT), " ".join(RIGHT), "Second part", " ".join(LEFT), " ".join(RIGHT)]


def test_a_sentence_goes_on_in_the_next_column():
    first = [*LEFT[:4], "keeper lives above it with her three"]
    second = ["sisters and a cat that hunts the mice.", *RIGHT]
    found = read([*column(50, 700, first), *column(260, 700, second)])
    assert "with her three sisters and a cat" in found[0]


def test_text_in_a_frame_beside_the_text_stands_after_it():
    frame = ["0.9 g 300 640 150 70 re f 0 g", *column(310, 690, ["Ask at the gate", "for the big key."])]
    below = [line + " And no one has moved it since." for line in LEFT]
    found = read([*column(50, 700, LEFT), *frame, *column(50, 620, below)])
    assert found[-1] == "Ask at the gate for the big key." and found[0].startswith(" ".join(LEFT))


def test_a_framed_note_over_the_whole_width_stays_in_its_place():
    frame = ["0.9 g 40 640 400 40 re f 0 g", at(50, 655, "Note: the sluice opens at six.")]
    found = read([*column(50, 760, LEFT), *frame, *column(50, 600, RIGHT)])
    assert found == [" ".join(LEFT), "Note: the sluice opens at six.", " ".join(RIGHT)]


def test_one_column_with_wide_gaps_is_not_cut():
    lines = [f"{n}.   {line}" for n, line in enumerate(LEFT, 1)]
    marks = [part for n, line in enumerate(LEFT) for part in (at(50, 700 - 12 * n, "-"), at(66, 700 - 12 * n, line))]
    assert read(column(50, 700, lines)) == [" ".join(line.split()) for line in lines]
    assert " ".join(read(marks)).replace("- ", "") == " ".join(LEFT)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_text_is_read_as_people_read_it(turn):
    step = {90: (12, 0), 180: (0, 12), 270: (-12, 0)}[turn]
    lines = [at(300 + step[0] * n, 400 + step[1] * n, line, 10, turn) for n, line in enumerate(LEFT)]
    assert read(lines) == [" ".join(LEFT)]


def test_a_turned_label_stands_after_the_text():
    assert read([at(30, 500, "Not for sale", 10, 90), *column(50, 700, LEFT)]) == [" ".join(LEFT), "Not for sale"]


def test_text_at_another_angle_is_named():
    parsed = parse_pdf(pdf("\n".join([*column(50, 700, LEFT), at(200, 300, "DRAFT", 30, 45)])))
    assert "DRAFT" not in parsed.text and parsed.unread == ("page 1: text set askew: DRAFT",)


def test_notes_at_the_foot_do_not_interrupt_a_sentence():
    first = [*LEFT[:4], "keeper lives above it and looks after"]
    note = [at(50, 80, "1", 5), at(54, 77, "Since the autumn of 1999.", 8)]
    found = read([*column(50, 700, first), *note], column(50, 700, ["the wheel with her brother.", *RIGHT]))
    assert "looks after the wheel with her brother." in found[0]
    assert found[1] == "¹ Since the autumn of 1999."


def test_superscripts_are_marks_or_exponents_and_not_glued_to_words():
    def line(y: float, before: str, small: str, rise: int, after: str) -> str:
        parts = f"({before}) Tj /F1 6 Tf {rise} Ts ({small}) Tj /F1 10 Tf 0 Ts ({after}) Tj"
        return f"BT /F1 10 Tf 50 {y} Td {parts} ET"

    texts = [
        line(700, "The tank holds water", "2", 4, " for a week."),
        line(680, "It covers 40 m", "2", 4, " of floor."),
        line(660, "It filters CO", "2", -2, " as well."),
        line(640, "It was built on the 3", "rd", 4, " of July."),
    ]
    found = " ".join(read([*texts, at(50, 80, "2", 5), at(54, 77, "Rain water.", 8)]))
    assert "water ² for a week." in found and "40 m² of floor." in found and "the 3rd of July" in found
    assert "CO2 as well." in found


def test_narrow_spaces_part_words():
    page = "BT /F1 10 Tf 50 700 Td [(The)-190(keeper)-190(of)-190(the)-190(mill.)] TJ ET"
    assert read([page]) == ["The keeper of the mill."]


def test_text_drawn_twice_to_look_bold_comes_once():
    assert read([at(50, 700, "Still willing"), at(50.3, 700, "Still willing")]) == ["Still willing"]


def test_running_heads_of_left_and_right_pages_are_dropped():
    def page(n, words):
        return [at(50, 780, "Orrby Mill" if n % 2 else "Yearbook 12"), at(50, 700, words), at(300, 30, str(n))]

    words = ["Flour was dear.", "Rye was cheap.", "Oats were late.", "Barley grew well."]
    assert read(*(page(n, line) for n, line in enumerate(words, 1))) == words


def test_a_line_of_invisible_characters_is_none():
    cmap = b"begincmap 1 beginbfchar <5A> <200B> endbfchar endcmap"
    content = "\n".join([at(50, 700, "The wheel turns."), at(50, 600, "ZZZZ").replace("/F1", "/F2")])
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R "
        "/Resources << /Font << /F1 3 0 R /F2 6 0 R >> >> >>",
        stream(content.encode()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 7 0 R >>",
        stream(cmap),
    ]
    assert parse_pdf(pdf_of(objects)).text.strip() == "The wheel turns."
