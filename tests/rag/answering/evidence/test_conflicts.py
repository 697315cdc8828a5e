import random

import pytest

from fakes import passage
from rag.answering.answer import generated_answer
from rag.answering.evidence.conflicts import find_conflicts
from rag.answering.evidence.grounding import ground
from rag.answering.wording.quantities import find_quantities
from rag.generation.generator import Generation
from rag.generation.prompt import parse_answer


def conflicts_of(output, *texts):
    """Return the conflicts among (name, heading, text) for a model's output, as text."""
    shown = [passage(text, name, 0, (heading,)) for name, heading, text in texts]
    parsed = parse_answer(output)
    return [str(c) for c in find_conflicts(parsed.text, ground(parsed, shown), shown)]


LATE, SOON = "Refunds are paid within 30 days of the request.", "We pay refunds within 45 days of a request."
OLD = ("hr/leave-rev3.md", "Leave policy", "For leave of more than five days, two weeks' notice is required.")
NEW = (
    "hr/leave-rev4.md",
    "Leave policy",
    "For leave of more than five days give four weeks' notice. For two to five days, give one week.",
)


def test_revisions_that_differ_are_reported_and_the_newer_one_is_named():
    assert conflicts_of("two weeks' notice [1]", OLD, NEW) == [
        "[1] says two weeks' notice, [2] says four weeks' notice; [2] is newer"
    ]
    assert conflicts_of("four weeks' notice [2]", OLD, NEW) == [
        "[2] says four weeks' notice, [1] says two weeks' notice; [2] is newer"
    ]
    assert conflicts_of("2 weeks [1]", OLD, NEW) == []  # the answer itself is not in the passage


def pair(a, b, names=("a.md", "b.md"), headings=("A", "B")):
    return [(name, heading, text) for name, heading, text in zip(names, headings, (a, b), strict=True)]


@pytest.mark.parametrize(
    ("output", "texts", "said"),
    [
        ("30 days [1]", pair(LATE, SOON), ["[1] says 30 days, [2] says 45 days"]),
        ("30 [1]", pair(LATE, SOON), ["[1] says 30 days, [2] says 45 days"]),
        (
            "£15 [1]",
            pair("The dinghy fee is £15 a night.", "The dinghy fee is £18.50 a night."),
            ["[1] says £15, [2] says £18.50"],
        ),
        (
            "at 08:30 [1]",
            pair("The harbour office opens at 08:30 daily.", "Harbour office opens daily at 09:00."),
            ["[1] says 08:30, [2] says 09:00"],
        ),
        (
            "30 June [1]",
            pair("Unused leave lapses on 30 June.", "Unused leave lapses on 31 December."),
            ["[1] says 30 June, [2] says 31 December"],
        ),
        (
            "in 1987 [1]",
            pair("The old crane was built in 1987.", "The old crane was built in 1978."),
            ["[1] says 1987, [2] says 1978"],
        ),
        (
            "12 per cent [1]",
            pair("The employer pays 12 per cent of salary.", "The employer pays 10 % of salary."),
            ["[1] says 12 per cent, [2] says 10 %"],
        ),
    ],
)
def test_other_values_for_the_same_thing_are_reported(output, texts, said):
    assert conflicts_of(output, *texts) == said


@pytest.mark.parametrize(
    ("output", "texts"),
    [
        (
            "40 tonnes [1]",
            pair("Crane C3 lifts at most 40 tonnes on the quay.", "Crane C2 lifts at most 25 tonnes on the quay."),
        ),
        ("40 tonnes [1]", pair("The ferry to Hallin carries 40 tonnes.", "The ferry to Storrholm carries 25 tonnes.")),
        (
            "30 days [1]",
            pair("Refunds are paid within 30 days.", "Refunds are paid within 30 days, or 45 days at Christmas."),
        ),
        ("30 days [1]", pair("Refunds are paid within 30 days of the request.", "Complaints are answered in 45 days.")),
        (
            "30 days [1]",
            pair("Refunds are paid within 30 days of the request.", "We pay refunds within 45 pounds of a request."),
        ),
        (
            "30 days [1]",
            pair("Refunds are paid within thirty days of the request.", "We pay refunds within 30 days of a request."),
        ),
        ("depth: 5.2 [1]", pair("berth: A1; depth: 5.2 m; quay: north", "berth: B2; depth: 6.1 m; quay: north")),
        ("The crane is green [1]", pair("The crane is green.", "The crane is 40 tonnes and green.")),
        ("blue [1]", pair(LATE, SOON)),
        ("30 days [1]", pair(LATE, SOON, names=("a.md", "a.md"))),
    ],
)
def test_what_is_no_conflict_is_not_reported(output, texts):
    assert conflicts_of(output, *texts) == []


@pytest.mark.parametrize(
    ("names", "headings", "newer"),
    [
        (("tariff-2025.md", "tariff-2026.md"), ("Tariff", "Tariff"), 2),
        (("x.md", "y.md"), ("Fees, 1 May 2026", "Fees, 3 April 2026"), 1),
        (("x.md", "y.md"), ("Fees, version 2", "Fees, version 10"), 2),
        (("x.md", "y.md"), ("Fees", "Fees of 2026"), None),
        (("x.md", "y.md"), ("A", "B"), None),
        (("x-2025-03.md", "x-2025-11.md"), ("A", "B"), 2),
        (("x.md", "y.md"), ("In force from March 2024", "In force from 2 March 2024"), None),
        (("x.md", "y.md"), ("Effective May 3, 2024", "Effective January 2024"), 1),
        (("x.md", "y.md"), ("In force from 2024", "In force from May 2024"), None),
        (("harbour-fees-rev-7-2021.md", "boat-handbook-issue-2-2024.md"), ("Fees", "Boats"), 2),
        (("x-rev-7-2021.md", "x-issue-2-2024.md"), ("Fees", "Boats"), 1),
    ],
)
def test_dates_and_revisions_in_names_and_headings_tell_which_is_newer(names, headings, newer):
    (said,) = conflicts_of(
        "£15 [1]", *pair("The dinghy fee is £15 a night.", "The dinghy fee is £18 a night.", names, headings)
    )
    assert said == "[1] says £15, [2] says £18" + (f"; [{newer}] is newer" if newer else "")


def test_front_matter_among_the_passages_tells_which_is_newer():
    shown = [
        passage("The dinghy fee is £15 a night.", "a.md", 900),
        passage("The dinghy fee is £18 a night.", "b.md", 900),
        passage("date: 2021-02-03", "a.md", 0),
        passage("date: 2020-02-03", "b.md", 0),
    ]
    parsed = parse_answer("£15 [1]")
    assert [c.newer for c in find_conflicts(parsed.text, ground(parsed, shown), shown)] == [1]


def test_the_answer_carries_them_and_a_refusal_has_none():
    shown = [
        passage("The dinghy fee is £15 a night.", "a.md", 70),
        passage("Now the dinghy fee is £18 a night.", "b.md", 30),
    ]
    (found,) = generated_answer(Generation("£15 [1]", []), shown).conflicts
    assert (found.document, found.start, found.end, found.quote) == (
        "b.md",
        30,
        64,
        "Now the dinghy fee is £18 a night.",
    )
    assert generated_answer(Generation("a blue elephant", []), shown).conflicts == ()


def test_values_have_numbers_and_what_they_count():
    fees = "From 1 May, 5 boats pay £1,250.50 or 3.4 per cent by 17:00"
    sentence = f"{fees}; two weeks' notice, since 1987; 12-hour watches, 5 decks, C3"
    assert [(quantity.number, list(quantity.units)) for quantity in find_quantities(sentence)] == [
        ("1 may", ["date"]),
        ("5", ["boat", "pay"]),
        ("1250.5", ["pound"]),
        ("3.4", ["%"]),
        ("17:00", ["time"]),
        ("2", ["week", "notice"]),
        ("1987", ["year"]),
        ("12", ["hour", "watche"]),
        ("5", ["deck"]),
    ]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("It cost $0.7 million, EUR 5 and 40 € by 3 million boats.", "700000 5 40 3000000"),
        ("Tell us within sixty (60) days.", "60 60"),
        ("Paid on 2024-03-09, 09.03.2024, 25/12/2024 or 5/6/2024.", ["9 mar", "9 mar", "25 dec", "5/6/2024"]),
        ("4.2 Payment is due in 21 days under Section 7.1, No. 8, § 3 and page 12.", "21"),
        ("2) Pay 30 pounds for the Kessel 80411 Drum Mill.", "30"),
        ("7.4 hours", "7.4"),
        ("Die Miete beträgt 1.250,50 Euro.", "1250.5"),
        ("It takes 10–12 days.", "10"),
    ],
)
def test_numbers_keep_their_scale_and_what_names_something_is_no_quantity(sentence, found):
    wanted = found.split() if isinstance(found, str) else found
    assert [quantity.number for quantity in find_quantities(sentence)] == wanted


SALES = "Sales of boats at the yard were $7.2 million in 2019."


@pytest.mark.parametrize(
    ("output", "texts"),
    [
        ("$7.2 million [1]", pair(SALES, "Sales of boats at the yard were $115 million in 2018.")),
        ("$7.2 million [1]", pair(SALES, "Sales of boats at the yard increased by $1.2 million in 2019.")),
        ("$7.2 million [1]", pair(SALES, "Sales of boats at the yard were $7,200,000 in 2019.")),
        ("$7.2 million [1]", pair(SALES, "Sales of boats at the Norfolk yard were $9 million in 2019.")),
        ("30 days [1]", pair("Fee | 30 days | 45 days | boats", "Fee | 60 days | 90 days | boats")),
        ("30 days [1]", pair(LATE, SOON.replace("45", "30 (thirty)"))),
        (
            "£15 [1]",
            pair("The fee of Unit A is £15.", "The unit fee of a boat is £18.", ("lease-17.md", "lease-18.md")),
        ),
    ],
)
def test_other_periods_changes_names_and_rows_are_no_conflict(output, texts):
    assert conflicts_of(output, *texts) == []


def test_no_text_raises():
    rng = random.Random(0)
    pieces = [
        "30 days",
        "45 days",
        "£5",
        "£",
        "%",
        "two",
        "1,2,3",
        "..",
        "|",
        ": ",
        "; ",
        "May",
        "2024",
        "rev",
        "revision 3",
        "C3",
        "[1]",
    ]
    pieces += ["\u200b", "日本", "é", "\n", " ", "'s", "-", "−5", "٣"]
    for _ in range(500):
        texts = ["".join(rng.choices(pieces, k=rng.randrange(1, 12))) for _ in range(3)]
        shown = [
            passage(text, f"{rng.choice(pieces)}{n}.md", rng.randrange(400), (rng.choice(pieces),))
            for n, text in enumerate(texts)
            if text.strip()
        ]
        made = generated_answer(Generation(rng.choice(pieces) + rng.choice(pieces) + " [1]", []), shown)
        assert all(
            shown[c.other_passage - 1]
            .chunk.text[c.start - shown[c.other_passage - 1].chunk.start :]
            .startswith(c.quote)
            for c in made.conflicts
        )
