import pytest

from rag.answering.kinds.lists import asks_for_list, find_items
from rag.core.chunk import Chunk
from rag.core.sentences import sentence_spans
from rag.core.table_cell import TableCell


def items(text: str, part: str, cells: tuple[TableCell, ...] = ()) -> list[str]:
    at = text.index(part)
    sentence = next(span for span in sentence_spans(text) if span[0] <= at < span[1])
    chunk = Chunk("a.md", "A", 0, len(text), text, ("A",), None, cells)
    return [text[start:end] for start, end in find_items(chunk, (at, at + len(part)), sentence)]


@pytest.mark.parametrize(
    "question",
    [
        "Which three islands does it call at?",
        "What are the duties of the bosun?",
        "list all the permits",
        "Name the two members of the board.",
        "What kinds of work need a permit?",
        "Which vessels pay nothing?",
        "What is the fee made up of?",
        "Who are the trustees?",
    ],
)
def test_questions_for_several_things(question):
    assert asks_for_list(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the fee?",
        "Which class is it?",
        "What gas is used?",
        "What does each cost?",
        "Who is the bosun?",
        "When does it run?",
    ],
)
def test_questions_for_one_thing(question):
    assert not asks_for_list(question)


@pytest.mark.parametrize(
    "text, part, whole",
    [
        (
            "Ears are tested for yard staff, the crew and anybody who works near the crusher.",
            "yard staff",
            "yard staff, the crew and anybody who works near the crusher",
        ),
        (
            "We refuse: mercury, live or dummy shells, or models.",
            "live or dummy shells",
            "mercury, live or dummy shells, or models",
        ),
        ("It runs on Monday, Wednesday and Friday, and it stops at Hallin.", "Monday", "Monday, Wednesday and Friday"),
        ("Call these: coastguard, pilot, launch.", "coastguard", "coastguard, pilot, launch"),
    ],
)
def test_an_enumeration_is_given_whole(text, part, whole):
    assert items(text, part) == [whole]


def test_all_items_of_a_list_are_given_without_what_follows_them():
    text = "You need:\n- a licence\n- proof of insurance. It must be current.\n- two photographs\nBring them along."
    wanted = ["a licence", "proof of insurance", "two photographs"]
    assert items(text, "proof of insurance") == wanted
    assert items(text, "You need") == wanted


def test_items_with_an_explanation_are_given_by_name():
    assert items("Permits:\n1. Hot work: welding\n2. Cold work: painting\n", "Cold work") == ["Hot work", "Cold work"]


@pytest.mark.parametrize("text, part", [("It was built in 1998 and the mole is older.", "1998"), ("It is red.", "red")])
def test_a_span_without_neighbours_of_its_kind_is_no_list(text, part):
    assert items(text, part) == []


def test_a_cell_of_a_table_is_no_list():
    text = "Name: Ada, Bo and Cy; Post: cook"
    assert items(text, "Ada", (TableCell(6, 20, 0, "Name", "Ada"),)) == []
