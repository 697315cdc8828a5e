import pytest

from rag.answering.tables.lookup_confidence import lookup_probability
from rag.answering.tables.table_reading import TableReading
from rag.retrieval.table_rows import Question
from tables import table

BOATS = table(
    "Boat|Berth|Owner|Largest sail|Serviced",
    "Skua|K-17|Ida Falk|22 m2|every 6 months",
    "Tern|K-18|Tom Reuss|31 m2|every year",
    "Plover|L-02|Ida Falk|18 m2|every 3 weeks",
)
PUMP = table("Type|HX 40", "Power|3 kW", "Warranty|2 years", heading="Bilge pump")


def read(question: str, found=BOATS) -> TableReading:
    return TableReading(Question(question), found)


@pytest.mark.parametrize(
    "question",
    [
        "Which boat has the longest mast?",
        "Is the Skua larger than the Tern?",
        "What is the total of all sails?",
        "Which boats are serviced each year?",
        "Who has the most boats?",
        "Which boat is not at K-17?",
        "Who doesn't own the Tern?",
        "Who owns the Tern and what is its berth?",
        "What are the owner and the berth of the Skua?",
    ],
)
def test_questions_that_ask_for_more_than_one_cell(question):
    assert read(question).of_several


@pytest.mark.parametrize(
    "question",
    [
        "What is the largest sail of the Tern?",
        "Who is the guest on the Tern?",
        "Which boat is serviced every 6 months?",
        "Is the Tern serviced every other year?",
        "Who is the owner of Skua, at berth K-17?",
    ],
)
def test_questions_that_only_look_so(question):
    assert not read(question).of_several


@pytest.mark.parametrize(
    "question",
    [
        "Who owns the Heron?",
        "Who owns the boat at M-09?",
        "What sail has Ida Lindgren?",
        "Where does Captain Falk Olsen live?",
        "What is the sail of the Tern and the Heron K-99?",
    ],
)
def test_a_table_is_closed_to_what_none_of_its_rows_is_called(question):
    assert read(question).is_closed


@pytest.mark.parametrize(
    "question", ["Who owns the Tern?", "What is at L-02?", "Who owns a boat?", "In Ulsby, who owns the Tern?"]
)
def test_and_open_to_the_rest(question):
    assert not read(question).is_closed


def test_a_sheet_is_closed_to_other_things():
    assert read("What is the warranty on the toaster?", PUMP).is_closed
    assert read("What is the power of the HX 70?", PUMP).is_closed
    assert not read("How long is the warranty on the bilge pump?", PUMP).is_closed
    assert not read("How long is the warranty?", PUMP).is_closed


def test_rows_named_alike_answer_where_they_agree():
    lines = ("Class|Teacher|Room", "Pottery|Ida Falk|12", "Pottery|Ida Falk|14", "Choir|Tom Reuss|Hall")
    assert read("Who is the teacher of Pottery?", table(*lines)).asked.cell.text == "Ida Falk"
    assert read("Which room has Pottery?", table(*lines)).asked is None


def test_a_row_that_lacks_a_word_which_another_has_is_less_likely():
    lines = ("Lock|Keeper|Rise", "Ulsby|Ida Falk|2.1 m", "Varde|Tom Reuss|3.4 m", "Holm|Per Vik|1.9 m")
    sure = read("What is the rise at the lock of Varde?", table(*lines))
    unsure = read("What is the rise at the lock of Varde for vik boats?", table(*lines))
    assert unsure.has_missed and not sure.has_missed
    assert lookup_probability(unsure) < lookup_probability(sure) - 0.3


def test_each_word_that_a_table_does_not_explain_makes_a_look_up_less_likely():
    found = [lookup_probability(read(f"Who is the {said}owner of the Tern?")) for said in ("", "proud ", "proud new ")]
    assert found == sorted(found, reverse=True) and len(set(found)) == 3 and found[0] > 0.9


def test_a_deposit_paid_is_not_the_rate_that_is_paid():
    lines = ("Lease|Rate|Tenant", "Boat shed|310 pounds|Rowing Club", "Old Mill|1,400 pounds|Brodd & Sons")
    assert lookup_probability(read("What rate was paid for the boat shed?", table(*lines))) > 0.5
    assert lookup_probability(read("What deposit was paid for the boat shed?", table(*lines))) < 0.5


def test_nothing_asked_is_no_look_up():
    assert lookup_probability(read("Tern?")) == 0.0


def test_a_table_that_names_a_row_ranks_before_one_that_does_not():
    assert read("Who owns the Tern?").rank > read("Who owns the Tern?", PUMP).rank
