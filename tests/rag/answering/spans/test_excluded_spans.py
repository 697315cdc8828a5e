from rag.answering.spans.excluded_spans import role_filter, span_filter, without_opposites
from rag.generation.span_tree import SpanPlace
from tables import prose, table_chunks

LEASE = "The lease begins on 4 March 2022. Per Vik signed it. It expires on 3 March 2027."
SALE = "On 5 May 2019 Hagen Estate sold the mill to Brodd & Sons."


def place(text: str, span: str) -> SpanPlace:
    start = text.index(span)
    first = text.rfind(". ", 0, start) + 2 if ". " in text[:start] else 0
    return SpanPlace(1, start, start + len(span), (first, text.index(".", start) + 1))


def kept(question: str, text: str, *spans: str) -> list[str]:
    """Return the spans, likeliest first, that are not excluded as opposites."""
    places = [place(text, span) for span in spans]
    logits = [-float(n) for n in range(len(spans))]
    return [spans[n] for n in without_opposites(question, places, [prose(text)], logits)]


def test_only_a_span_that_says_what_is_asked_takes_the_place_of_an_excluded_best_one():
    assert kept("When does the lease end?", LEASE, "4 March 2022", "Per Vik", "3 March 2027") == ["3 March 2027"]
    assert kept("When does the lease end?", "The lease begins on 4 March 2022.", "4 March 2022") == []


def test_an_excluded_span_that_is_not_the_best_leaves_all_others():
    assert kept("When does the lease end?", LEASE, "3 March 2027", "Per Vik", "4 March 2022") == [
        "3 March 2027",
        "Per Vik",
    ]


def test_who_sold_is_not_who_bought_nor_a_date():
    may = role_filter("Who sold the mill?", [prose(SALE)])
    assert [may(place(SALE, span)) for span in ("Hagen Estate", "Brodd & Sons", "5 May 2019")] == [True, False, False]


def test_who_is_no_date_in_other_languages_too():
    text = "Frau Dr. Lindner führt die Kasse seit dem 2. Mai 2018."
    may = role_filter("Wer führt die Kasse?", [prose(text)])
    assert may(place(text, "Frau Dr. Lindner")) and not may(place(text, "seit dem 2. Mai 2018"))


def test_a_person_named_with_a_date_may_be_who_is_asked_for():
    text = "It was led from May 2019 by April Holm, then by the rota of 2020."
    may = role_filter("Who led it?", [prose(text)])
    assert may(place(text, "May 2019 by April Holm")) and may(place(text, "April Holm"))


def test_other_questions_exclude_nothing():
    assert role_filter("When was the mill sold?", [prose(SALE)]) is None


def test_a_cell_is_told_by_its_column_not_by_words_beside_it():
    chunks = table_chunks("Lease|Begins|Ends", "Old mill|4 March 2022|3 March 2027", "Shed|1 May 2023|1 May 2024")
    cell = next(cell for cell in chunks[0].cells if cell.column == "Ends")
    row = chunks[0].row_span(cell.row)
    assert without_opposites("When does it begin?", [SpanPlace(1, cell.start, cell.end, row)], chunks, [0.0]) == [0]


def test_a_span_that_only_repeats_the_question_is_no_answer():
    text = "The red crane is older than the blue one."
    may = span_filter("How old is the red crane?", [prose(text)])
    assert not may(place(text, "red crane")) and may(place(text, "older"))
    alternatives = span_filter("Is the red or the blue crane older?", [prose(text)])
    assert alternatives is None
    assert not span_filter("Who has the red crane?", [prose(text)])(place(text, "red crane"))


def test_words_of_the_question_behind_which_are_no_answer_and_others_may_be():
    text = "Nine yards asked for the papers. Of the museums the old one is closed."
    may = span_filter("Which nine yards asked for the papers?", [prose(text)])
    assert not may(place(text, "Nine yards")) and may(place(text, "the old one"))
    assert span_filter("Which of the museums, the old or the new one, is closed?", [prose(text)]) is None
    named = "The Sea Museum is closed."
    may = span_filter("At the Sea Museum or elsewhere", [prose(named)])
    assert may is None
