from rag.retrieval.table_rows import Question, find_tables, is_name, mentions, named_rows, unexplained_terms
from tables import prose, table, table_chunks

BOATS = (
    "Boat|Berth|Owner|Due",
    "Skua|K-17|Ida Falk|3 June 2026",
    "Tern|K-18|Tom Reuss|19 June 2026",
    "Plover|L-02|Ida Falk|1 July 2026",
)
HOURS = (
    "Desk|Day|Opens|Closes",
    "Varde|Weekdays|07:30|19:00",
    "Varde|Sunday|10:15|14:30",
    "Ulsby|Weekdays|08:00|17:45",
    "Ulsby|Sunday|11:00|13:15",
)


def named(question: str, *lines: str, **more) -> list[str]:
    """Return the first cells of the rows that the question names."""
    found, asked = table(*lines, **more), Question(question)
    return [mention.row.cells[0].text for mention in named_rows(asked, mentions(asked, found))]


def numbers(question: str, *lines: str) -> list[int]:
    """Return which rows the question names, from 0."""
    found, asked = table(*lines), Question(question)
    return [found.rows.index(mention.row) for mention in named_rows(asked, mentions(asked, found))]


def test_the_tables_of_passages_are_the_best_passages_first():
    fees = table_chunks("Hall|Fee", "Small|40 pounds", "Large|75 pounds", name="fees.csv")
    boats = table_chunks(*BOATS, name="boats.csv")
    first, second = find_tables([prose("Halls are let by the day."), *fees, *boats])
    assert first.columns == ("Hall", "Fee") and second.columns == ("Boat", "Berth", "Owner", "Due")
    assert [cell.passage for cell in first.rows[0].cells] == [2, 2]


def test_passages_without_cells_have_no_tables():
    assert find_tables([prose("Berth: K-17; Owner: Ida Falk")]) == []


def test_a_row_that_two_chunks_share_is_one_row():
    chunks = table_chunks("Tent|Notes", "Dome|" + "Peg it down well. " * 20, "Bell|dry", size=150)
    (found,) = find_tables(chunks)
    assert len(chunks) > 2 and len(found.rows) == 2
    assert len({cell.passage for cell in found.rows[0].cells}) > 1


def test_two_tables_of_one_file_with_other_columns_are_two():
    first = table_chunks("Well|Depth|Yield", "Hill|120 m|4 l/s", "Vale|95 m|7 l/s", "||", "Mill|Built|Wheels",
                         "Upper|1788|2", "Lower|1802|3")  # fmt: skip
    assert [found.columns[0] for found in find_tables(first)] == ["Well", "Mill"]


def test_a_row_is_named_by_any_cell_of_it():
    assert named("When is the Tern due?", *BOATS) == ["Tern"]
    assert named("Which boat lies at K-18?", *BOATS) == ["Tern"]
    assert named("Which boat is due on 1 July?", *BOATS) == ["Plover"]
    assert named("Which boats has Ida Falk?", *BOATS) == ["Skua", "Plover"]


def test_a_row_is_named_in_another_writing_of_its_key():
    for key in ("2026-07-01", "1.7.2026", "July 1st, 2026", "1 Jul 2026"):
        assert named(f"Which boat is due on {key}?", *BOATS) == ["Plover"]
    assert named("Who has berth k17?", *BOATS) == ["Skua"]


def test_two_keys_name_the_row_that_has_both():
    assert numbers("When does Varde open on Sunday?", *HOURS) == [1]
    assert numbers("When does the Ulsby desk close on Tuesday?", *HOURS) == [2]


def test_two_keys_that_no_row_has_together_name_none():
    assert named("Does Tom Reuss own the Skua?", *BOATS) == []


def test_a_longer_name_is_not_its_shorter_neighbour():
    lines = ("Room|Seats", "Hall", "Hall 2|90", "Annexe|25", "Hall 12|60")
    assert named("How many seats has Hall 12?", *lines) == ["Hall 12"]


def test_words_of_columns_and_of_headings_name_no_row():
    lines = ("Item|Price|Shelf", "Price label|0.20|A3", "Rope|4.50|C1", "Harbour flag|9.00|D7")
    assert named("What is the price of rope?", *lines) == ["Rope"]
    assert named("What does rope cost in the harbour shop?", *lines, heading="Harbour shop") == ["Rope"]
    assert named("What does the harbour cost?", *lines, heading="Harbour shop") == ["Harbour flag"]


def test_a_word_of_a_long_cell_names_no_row():
    lines = (
        "Tool|Use",
        "Adze|rough shaping of planks, ribs, beams, masts, oars and posts of a boat",
        "Awl|for holes",
    )
    assert named("What is a plank?", *lines) == []


def test_a_question_without_a_name_or_word_of_the_table_names_no_row():
    assert named("Who was the first king of Norway?", *BOATS) == []


def test_terms_that_neither_row_nor_column_nor_headings_explain():
    found, asked = table(*BOATS, heading="Marina"), Question("When is the Tern of the marina due for a new mast?")
    (mention,) = named_rows(asked, mentions(asked, found))
    left = unexplained_terms(asked, found, mention.touched, found.columns)
    assert {asked.text[asked.terms[n].start : asked.terms[n].end] for n in left} == {"new", "mast"}


def test_what_most_cells_of_a_column_say_stands_for_the_column():
    found = table("Part|Kept", "Bolt|Shelf A3", "Gasket|Shelf C1", "Spring|Shelf D7")
    assert "shelf" in found.usual["Kept"] and found.usual["Part"] == frozenset()


def test_names_of_a_question_are_capitals_within_it_and_all_that_are_no_words():
    asked = Question("Whose berth is K-17 at Lower Varde?")
    names = {asked.text[asked.terms[n].start : asked.terms[n].end] for n in asked.names}
    assert names == {"K-17", "Lower", "Varde"}


def test_the_cells_that_name_a_row_are_known():
    first = table(*HOURS).rows[0]
    assert [cell.text for cell in first.cells if is_name(cell)] == ["Varde", "Weekdays"]
