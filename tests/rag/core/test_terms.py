import pytest

from rag.core.terms import DATE, IDENTIFIER, NUMBER, TIME, WORD, find_terms, stem


def only(text: str):
    (term,) = find_terms(text)
    return term


ALIKE = {
    DATE: [
        ("3 June 2026", "2026-06-03"),
        ("June 3rd, 2026", "3 Jun 2026"),
        ("03.06.2026", "3 June 2026"),
        ("3/6/26", "2026-06-03"),
        ("14th of May", "May 14"),
        ("Sept. 2024", "September 2024"),
    ],
    TIME: [("9.30 am", "09:30"), ("2:05 pm", "14:05"), ("12 am", "00:00"), ("7pm", "19:00")],
    NUMBER: [("1,200.00", "1200"), ("1.200", "1200"), ("0,50", "0.5"), ("3rd", "3"), ("1\u202f200", "1200")],
    IDENTIFIER: [("R-1003", "r1003"), ("AB/12", "AB-12"), ("ks_204", "KS-204")],
}


@pytest.mark.parametrize(("kind", "a", "b"), [(kind, *pair) for kind, pairs in ALIKE.items() for pair in pairs])
def test_two_writings_of_one_thing_compare_equal(kind, a, b):
    assert only(a).kind == only(b).kind == kind
    assert only(a).exact & only(b).exact


@pytest.mark.parametrize(
    ("a", "b"),
    [("R-1003", "R-1004"), ("3 June 2026", "3 July 2026"), ("1,200", "1,201"), ("9 am", "9 pm"), ("12-7", "127")],
)
def test_two_things_do_not(a, b):
    assert only(a).exact.isdisjoint(only(b).exact)


def test_a_date_in_figures_is_read_with_the_day_or_the_month_first():
    assert only("4/5/2025").exact == {"2025-05-04", "2025-04-05"}
    assert only("25/4/2025").exact == {"2025-04-25"}


def test_a_date_implies_its_month_and_year_and_an_identifier_its_parts():
    assert {"may", "2025", "2025-05"} <= only("9 May 2025").implied
    assert {"k", "700"} <= only("K-700").implied and {"2026", "31"} <= only("2026-0031").implied


def test_what_looks_like_a_date_and_is_none_is_an_identifier():
    assert only("2025-17-40").kind == only("45.45.2025").kind == IDENTIFIER


def test_a_price_is_no_time_of_day():
    assert only("86.79").kind == only("7.30").kind == NUMBER and only("7:30").kind == TIME


def test_words_are_compared_in_the_singular_without_accents_and_in_full():
    assert only("Tiers").exact == {"tier"} and only("ferries").exact == {"ferry"} and only("bus").exact == {"bus"}
    for one, several in (("latch", "latches"), ("cache", "caches"), ("box", "boxes"), ("axe", "axes")):
        assert only(one).exact <= only(several).exact
    assert only("Führerin").exact == only("fuhrerin").exact and only("Straße").exact == only("strasse").exact
    assert only("Sun").exact == {"sunday"} and only("Sept").exact == {"september"}


def test_numbers_in_words_are_numbers_too_but_one_is_not():
    assert "7" in only("seven").exact and "3" in only("third").exact and only("one").exact == {"one"}


def test_weekdays_are_monday_to_friday():
    assert "tuesday" in only("weekdays").implied and "sunday" not in only("weekdays").implied


def test_what_a_possessive_ends_in_is_no_word():
    assert [next(iter(term.exact)) for term in find_terms("Lindgren's boat")] == ["lindgren", "boat"]


def test_terms_know_where_they_stand():
    text = "Room B14, from 3 June 2026 at 9:30"
    found = [text[term.start : term.end] for term in find_terms(text) if term.kind != WORD]
    assert found == ["B14", "3 June 2026", "9:30"]


@pytest.mark.parametrize(
    ("a", "b"),
    [("joins", "joining"), ("planned", "plan"), ("reader", "reads"), ("carry", "carried")],
)
def test_words_that_differ_in_their_ending_have_one_stem(a, b):
    assert stem(a) == stem(b)


def test_words_of_different_meaning_keep_different_stems():
    assert stem("supply") != stem("supper") and stem("bring") != stem("bred") and stem("sing") != stem("sed")
