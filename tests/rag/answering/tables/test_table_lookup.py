"""What tables answer by row and column, without a model: the right cell, or none; never another row's."""

import pytest

from rag.answering.answer import lookup_answer
from rag.answering.evidence.grounding import cite
from rag.answering.spans.selected_span import SelectedSpan
from rag.answering.tables.table_lookup import UNKNOWN_KEY, TableLookup
from rag.generation.prompt import REFUSAL
from tables import CREW, HOURS, LEASES, ORDERS, TARIFF, passages, prose, table_chunks

EVERY = [*ORDERS, *CREW, *HOURS, *TARIFF, *LEASES]


def told(question: str, chunks=EVERY) -> str | None:
    """Return what the tables answer, None where a model has to read."""
    answer = lookup_answer(TableLookup(question, chunks), 0.0, passages(*chunks))
    return answer and answer.text


RIGHT = [
    ("What is the gross amount of order BX-2202?", "1,368.50"),
    ("What is the state of order BX-2203?", "late"),
    ("Which buyer got order BX-2204?", "Ulsby Mill"),
    ("When was order bx2201 sent?", "04.02.2026"),
    ("On which day was BX-2203 sent?", "19.02.2026"),
    ("What is Maja Strand's call number?", "7752"),
    ("In which cabin is Oskar Vik?", "B2"),
    ("What is the post of Pelle Strand?", "Cook"),
    ("When did Sigrid Aune join?", "2011"),
    ("When does Varde open on Sunday?", "10:15"),
    ("When does the Ulsby desk close on Sunday?", "13:15"),
    ("When does the desk at Ulsby open on Wednesday?", "08:00"),
    ("What is the response time of the Oak plan?", "8 hours"),
    ("How much storage has Elm?", "1 TB"),
    ("What is the price of Oak a month?", "19 pounds"),
    ("What is the yearly price of the Birch plan?", "95 pounds"),
    ("When does the lease of the Old Mill begin?", "1 May 2021"),
    ("When does the lease of the Old Mill end?", "30 April 2029"),
    ("Who is the lessee of the boat shed?", "Rowing Club"),
    ("Who is the lessor of the boat shed?", "Town of Ulsby"),
]


@pytest.mark.parametrize(("question", "right"), RIGHT)
def test_the_cell_where_the_named_row_and_column_meet(question, right):
    assert told(question) == right


REVERSE = [
    ("Who has cabin D1?", "Maja Strand"),
    ("Whose call number is 7730?", "Pelle Strand"),
    ("Who is the bosun?", "Sigrid Aune"),
    ("Which order was sent on 11 February 2026?", "BX-2202"),
    ("Which order was sent on 2026-02-26?", "BX-2204"),
    ("Which plan has a response time of 1 hour?", "Elm"),
    ("Which building does the Rowing Club lease?", "Boat shed"),
]


@pytest.mark.parametrize(("question", "right"), REVERSE)
def test_a_row_is_found_by_any_of_its_cells(question, right):
    assert told(question) == right


@pytest.mark.parametrize(
    "question",
    [
        "Which orders are open?",
        "Which orders did Ulsby Mill get?",
        "Which order is the cheapest?",
        "What is the highest gross amount of all orders?",
        "What is the total net amount of the orders of Ulsby Mill?",
        "Who joined in 2019?",
        "How many more pounds is Elm than Oak a month?",
        "Which plan costs more than Oak?",
        "When does Varde open?",
        "Which order was not paid?",
        "What are the cabin and the call number of Oskar Vik?",
    ],
)
def test_questions_of_several_rows_are_not_answered_by_one(question):
    assert told(question) is None
    assert TableLookup(question, EVERY).most_confidence < 0.5


@pytest.mark.parametrize("key", ["BX-2209", "BX-2020", "QT-2201"])
def test_an_identifier_that_no_row_has_is_refused(key):
    answer = lookup_answer(TableLookup(f"What is the state of order {key}?", ORDERS), 0.5, passages(*ORDERS))
    assert answer and answer.refused and answer.text == REFUSAL and answer.confidence == UNKNOWN_KEY


def test_an_identifier_of_which_a_text_tells_is_left_to_a_model():
    chunks = [*ORDERS, prose("Order BX-2209 was called off by letter.")]
    lookup = TableLookup("What is the state of order BX-2209?", chunks)
    assert not lookup.refuses and lookup.found is None
    assert not any(lookup.is_open(1, cell) for cell in chunks[0].cells)


@pytest.mark.parametrize(
    "question",
    [
        "What is Karin Strand's call number?",
        "In which cabin is Mr Holm?",
        "What is the price of the Willow plan a month?",
        "When does the Nordby desk open on Sunday?",
    ],
)
def test_a_name_that_no_row_has_is_not_answered(question):
    assert told(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "What deposit was paid for the Old Mill?",
        "Who sold the Old Mill?",
        "When was the boat shed built?",
        "How old is Oskar Vik?",
        "Where was order BX-2203 sent from?",
        "At what time was order BX-2203 sent?",
    ],
)
def test_what_no_column_tells_is_not_taken_from_another(question):
    assert told(question) is None


def test_what_an_identifier_is_called_asks_for_no_column():
    chunks = table_chunks("Article|Order|Shelf|Price", "R-1076|B-3|K4|12.40", "R-1077|B-9|M1|8.15", name="parts.csv")
    assert told("What is the price of article R-1076?", chunks) == "12.40"
    assert told("On which shelf is part R-1077?", chunks) == "M1"
    assert told("Which order is article R-1077 from?", chunks) == "B-9"


def test_two_rows_that_say_the_same_answer_and_two_that_differ_do_not():
    chunks = table_chunks("Class|Teacher|Room", "Pottery|Ida Falk|12", "Pottery|Ida Falk|14", "Choir|Tom Reuss|Hall")
    assert told("Who is the teacher of Pottery?", chunks) == "Ida Falk"
    assert told("In which room is Pottery?", chunks) is None


def test_a_text_that_only_shares_a_word_leaves_the_table_its_answer():
    chunks = [prose("A ship's bosun earns more than a cook ashore."), *CREW]
    assert told("What is the monthly call number of the bosun?", chunks) == told(
        "What is the monthly call number of the bosun?", CREW
    )
    assert told("What is the call number of Sigrid Aune?", chunks) == "7714"


def test_a_text_that_names_the_row_and_what_the_table_lacks_is_for_a_model_to_read():
    question = "What is the emergency call number of Sigrid Aune?"
    assert told(question, CREW) == "7714"
    assert told(question, [*CREW, prose("In an emergency Sigrid Aune is on channel 16.")]) is None


def test_the_citation_names_row_and_column_and_quotes_the_row():
    (citation,) = lookup_answer(TableLookup("Who has cabin D1?", EVERY), 0.5, passages(*EVERY)).citations
    assert (citation.row, citation.column) == ("Maja Strand", "Name")
    found = lookup_answer(TableLookup("What is Pelle Strand's post?", EVERY), 0.5, passages(*EVERY))
    (citation,) = found.citations
    assert found.kind == "lookup" and (citation.row, citation.column) == ("Pelle Strand", "Post")
    assert citation.quote == "Name: Pelle Strand; Post: Cook; Cabin: C8; Call number: 7730; Joined: 2019"
    assert citation.document == "crew.md"


def test_a_lookup_below_the_threshold_is_a_refusal():
    answer = lookup_answer(TableLookup("What is Pelle Strand's post?", CREW), 0.999, passages(*CREW))
    assert answer.refused and answer.kind == "refusal"


@pytest.mark.parametrize(
    "question",
    [
        "What is the connection fee for the Oak plan?",
        "What is the shoe size of Pelle Strand?",
        "What is the delivery address of order BX-2202?",
    ],
)
def test_a_cell_is_no_answer_where_the_table_lacks_what_is_asked_for(question):
    lookup = TableLookup(question, EVERY)
    cells = [(chunk, cell) for n, chunk in enumerate(EVERY, 1) for cell in chunk.cells if lookup.is_open(n, cell)]
    assert cells
    for chunk, cell in cells:
        read = chunk.text[cell.start : cell.end]
        citation = cite(chunk, EVERY.index(chunk) + 1, *chunk.row_span(cell.row), (cell.start, cell.end))
        assert lookup.weigh(SelectedSpan(read, (citation,), 0.9)).probability < 0.2


def test_without_cells_a_lookup_is_without_effect():
    text = prose("Order BX-2201 is paid.")
    lookup = TableLookup("What is the state of order BX-2209?", [text])
    span = SelectedSpan("paid", (cite(text, 1, 0, len(text.text), (17, 21)),), 0.8)
    assert lookup.found is None and not lookup.refuses
    assert lookup.weigh(span) is span and lookup.weigh(None) is None


def test_a_model_may_read_cells_of_the_named_row_alone_but_its_keys():
    lookup = TableLookup("What of BX-2202?", ORDERS)
    may = {(cell.row_name, cell.column) for cell in ORDERS[0].cells if lookup.is_open(1, cell)}
    assert may == {("BX-2202", column) for column in ("Buyer", "State", "Net", "Gross", "Sent")}


def test_a_long_cell_is_left_to_a_model_to_quote_from():
    remedy = "Close the valve, drain the tank, clean the sieve, oil the hinges and fill it up to the mark."
    chunks = table_chunks("Fault|Remedy", f"E-14|{remedy}", "E-15|Wait")
    assert told("What is the remedy of E-14?", chunks) is None and told("What is the remedy of E-15?", chunks) == "Wait"


def test_a_data_sheet_answers_for_the_thing_that_its_heading_names():
    sheet = table_chunks("Length|41 m", "Beam|8.7 m", "Draught|2.4 m", "Crew|6", name="tern.html", heading="MV Tern")
    assert told("What is the beam of the MV Tern?", sheet) == "8.7 m"
    assert told("How wide is the MV Tern?", sheet) in ("8.7 m", None)
    assert told("What is the beam of the MV Skua?", sheet) is None
    assert told("What is the length of the pier?", sheet) is None
