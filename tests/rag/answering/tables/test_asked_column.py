import pytest

from rag.answering.tables.asked_column import By, asked_cell, labelled_row
from rag.retrieval.table_rows import Question, mentions, named_rows
from tables import table

CREW = (
    "Name|Post|Cabin|Call number|Joined",
    "Sigrid Aune|Bosun|C3|7714|2011",
    "Pelle Strand|Cook|C8|7730|2019",
)
TRIPS = (
    "Trip|From|To|Departs|Arrives|Fare|Distance",
    "T-4|Ulsby|Varde|06:40|09:15|42.50|118 km",
    "T-9|Nordby|Holm|11:20|12:05|8.30|31 km",
)


def asked(question: str, *lines: str):
    found, said = table(*lines), Question(question)
    (mention,) = named_rows(said, mentions(said, found))
    return asked_cell(said, found, mention)


def column(question: str, *lines: str) -> str | None:
    cell = asked(question, *lines)
    return cell and cell.cell.cell.column


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("What is the fare of T-4?", "Fare"),
        ("How far does T-4 go?", "Distance"),
        ("When does T-9 depart?", "Departs"),
        ("When does T-9 arrive?", "Arrives"),
        ("When does T-9 leave?", "Departs"),
        ("What is the distance of trip T-9?", "Distance"),
        ("How much is paid for T-4?", "Fare"),
    ],
)
def test_the_column_by_its_words_or_by_words_that_mean_the_same(question, right):
    assert column(question, *TRIPS) == right


def test_how_the_cell_was_found():
    assert asked("What is the call number of Pelle Strand?", *CREW).by is By.WORDS
    assert asked("What number has Pelle Strand?", *CREW).share == 0.5
    assert asked("Which phone number has Pelle Strand?", *CREW).cell.text == "7730"
    assert asked("How much is paid for T-9?", *TRIPS).by is By.MEANING
    assert asked("Who is the bosun?", *CREW).by is asked("Whose call number is 7714?", *CREW).by is By.NAME
    assert asked("What is Tern?", "Boat|Berth", "Tern|K-17", "Skua|K-18").by is By.ONLY


def test_of_a_kind_that_one_cell_alone_has():
    lines = ("Talk|Hall|Speaker|Begin", "Knots|B|Ida Falk|14:30", "Tides|A|Tom Reuss|16:00")
    assert asked("At what time is Knots?", *lines).cell.text == "14:30"


def test_a_place_is_no_number_date_or_time():
    lines = ("Tool|Kept|Bought", "Adze|loft|2019", "Awl|shed|2021")
    assert asked("Where is the Awl?", *lines).cell.text == "shed"


def test_a_time_is_no_price_and_an_amount_no_time():
    lines = ("Stall|Rent|Since", "K1|86.79|3 May 2024", "K2|77.10|1 June 2024")
    assert asked("When was K1 let?", *lines).cell.text == "3 May 2024"
    assert asked("How much is K1?", *lines).cell.text == "86.79"


def test_what_an_identifier_is_called_asks_for_no_column():
    lines = ("Article|Order|Price", "R-1076|B-3|12.40", "R-1077|B-9|8.15")
    assert column("What is the price of article R-1076?", *lines) == "Price"
    assert column("Which order is article R-1076 from?", *lines) == "Order"


def test_which_route_asks_for_the_name_of_the_route():
    lines = ("Route|Driver|Van", "North loop|Ida Falk|V3", "South loop|Tom Reuss|V7")
    assert column("Which route does Tom Reuss drive?", *lines) == "Route"
    assert column("Who is the driver of the South loop?", *lines) == "Driver"


def test_a_column_in_another_form_of_the_kind_that_is_asked_for():
    lines = ("Part|In stock|Min. stock|Max. stock", "Hinge|44|10|90", "Latch|7|15|60")
    assert asked("What is the minimum stock of hinges?", *lines).cell.text == "10"
    assert asked("What is the maximum stock of latches?", *lines).cell.text == "60"
    assert asked("How many hinges are in stock?", *lines).cell.text == "44"


def test_two_columns_that_fit_alike_are_none():
    lines = ("Hall|Fee for members|Fee for guests", "Small|9 pounds|14 pounds", "Large|20 pounds|31 pounds")
    assert asked("What is the fee for the large hall?", *lines) is None
    assert asked("What is the fee for guests in the large hall?", *lines).cell.text == "31 pounds"


def test_the_row_of_a_sheet_by_a_label_that_means_the_same():
    sheet = table("Weight|38 t", "Beam|9.1 m", "Crew|5")
    (found,) = labelled_row(Question("How heavy is she?"), sheet)
    assert found.row.cells[0].text == "38 t"
    assert labelled_row(Question("Who painted her?"), sheet) == []
    assert labelled_row(Question("How heavy is it?"), table(*TRIPS)) == []
