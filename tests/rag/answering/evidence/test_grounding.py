import random

import pytest

from fakes import document, passage
from rag.answering.answer import generated_answer
from rag.answering.evidence.grounding import ground, support
from rag.core.sections import ChunkSettings
from rag.core.sentences import sentence_spans
from rag.documents.chunking import chunk_document
from rag.generation.generator import Generation
from rag.generation.prompt import REFUSAL, parse_answer
from rag.retrieval.passage import Passage

TEXT = """# Port manual

The crane lifts 40 tonnes. It was built in 1987 by “Arrol & Sons”.  The slew ring is greased every month!

- Dinghies pay £15 a night.
- Yachts pay £1,250 a year (see [2]).

## Times

The office opens at 08:30 and closes at 17:00. Störungen meldet man sofort – 日本語 too. The swell limit is 1.5 metres.
"""
MANUAL = document("manual.md", TEXT)
SHOWN = [Passage(c, 0.0, None) for c in chunk_document(MANUAL, ChunkSettings(120))]


def number_of(words):
    return next(n for n, p in enumerate(SHOWN, 1) if words in p.chunk.text)


def cited(output, shown=SHOWN):
    return ground(parse_answer(output), shown)


def test_a_right_citation_quotes_its_sentence():
    n = number_of("40 tonnes")
    (found,) = cited(f"40 tonnes [{n}]")
    assert (found.passage, found.document, found.quote) == (n, "manual.md", "The crane lifts 40 tonnes.")
    assert TEXT[found.start : found.end] == found.quote and found.headings == ("Port manual",)


def test_sentences_list_items_and_rows_are_apart():
    text = "One is 1.5 m. Two!  “Three?” Four e.g. this\n\nFive\n- six\n- seven\n2) eight"
    assert [text[s:e] for s, e in sentence_spans(text)] == [
        "One is 1.5 m.",
        "Two!",
        "“Three?”",
        "Four e.g. this",
        "Five",
        "- six",
        "- seven",
        "2) eight",
    ]
    rows = (
        "asset: Mole; owner: Engineering; see: E-2317\nasset: Gate; owner: Marine\nA line that\nwraps: here it goes on."
    )
    first, second = (rows[s:e] for s, e in sentence_spans(rows))
    assert (
        first == "asset: Mole; owner: Engineering; see: E-2317"
        and second.startswith("asset: Gate")
        and second.endswith("goes on.")
    )
    assert sentence_spans(" \n ") == []


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("**40** `tonnes` [{n}]", "40 tonnes"),
        ("_40 tonnes_[{n}]", "40 tonnes"),
        ("40 tonnes [{n}][0]", "40 tonnes"),
    ],
)
def test_a_written_answer_is_shown_without_marks(written, text):
    shown = [passage(TEXT, "manual.md")]
    answer = generated_answer(Generation(written.format(n=1), []), shown)
    assert (answer.text, answer.refused) == (text, False)


@pytest.mark.parametrize("number", [0, 99, 10**30])
def test_a_number_that_is_no_passage_is_never_shown(number):
    (found,) = cited(f"40 tonnes [{number}]")
    assert found.passage == number_of("40 tonnes")


def test_a_wrong_citation_is_replaced_by_the_passage_that_supports_it():
    wrong = number_of("08:30")
    (found,) = cited(f"40 tonnes [{wrong}]")
    assert found.passage == number_of("40 tonnes") != wrong


def test_a_missing_citation_is_found():
    assert [c.passage for c in cited("every month")] == [number_of("every month")]


def test_of_two_citations_only_those_that_support_stay():
    right, wrong = number_of("40 tonnes"), number_of("08:30")
    assert [c.passage for c in cited(f"40 tonnes [{wrong}] [{right}]")] == [right]
    twins = [passage("The mole is 640 metres long."), passage("Length of the mole: 640 metres.", "b.md")]
    assert [c.passage for c in cited("640 metres [2] [1]", twins)] == [2, 1]


@pytest.mark.parametrize("output", ["a blue elephant [1]", "", "[1]", "the [1]", "...", REFUSAL, "?! [2]"])
def test_what_no_passage_supports_has_no_citation(output):
    assert cited(output) == []


@pytest.mark.parametrize(
    "answer",
    [
        "41 tonnes",
        "The crane lifts 400 tonnes",
        "built in 1988 by Arrol & Sons",
        "opens at 08:31",
        "15 metres",
        "swell limit is 15 metres",
    ],
)
def test_a_number_that_is_not_in_the_sentence_means_no_support(answer):
    assert cited(answer) == []


@pytest.mark.parametrize("answer", ["£1,250 a year", "1250 a year", "1.5 metres", "at 08:30", "1987"])
def test_a_number_that_is_there_is_supported(answer):
    if answer == "1250 a year":  # without the pound sign the word differs, so only the figure is compared
        assert support(answer, "Yachts pay 1,250 a year.") == 1.0
    else:
        assert len(cited(answer)) == 1


def test_support_by_hand():
    assert support("crane lifts", "The crane lifts 40 tonnes.") == 1.0
    assert support("red crane lifts", "The crane lifts 40 tonnes.") == pytest.approx(2 / 3)
    assert support("the a an", "The crane lifts 40 tonnes.") == 0.0
    assert support("crane 41", "The crane lifts 40 tonnes.") == 0.0
    assert support("15 metres", "1.5 metres") == 0.0


def answer(output):
    return generated_answer(Generation(output, [-0.5, -1.5]), SHOWN)


def test_an_answer_without_support_is_the_refusal():
    made = answer("a blue elephant [1]")
    assert (made.text, made.refused, made.citations, made.output) == (REFUSAL, True, [], "a blue elephant [1]")


def test_an_answer_with_support_is_shown_without_its_brackets():
    made = answer("40 tonnes [1]")
    assert (made.text, made.refused, len(made.citations), made.passages) == ("40 tonnes", False, 1, SHOWN)
    assert made.confidence == pytest.approx(0.3679, abs=1e-4)


def test_any_output_keeps_the_contract():
    rng, kept, wrong = random.Random(0), 0, []
    pieces = [TEXT[i : i + rng.randrange(1, 40)] for i in range(0, len(TEXT), 7)]
    pieces += "[1] [2] [99] [-1] [ ] [٣] [²] [1,2] [[3]] 🚢 é ０".split() + [
        "\n",
        " ",
        "\ufffd",
        "\u2028",
        REFUSAL,
        "x" * 50,
    ]
    for _ in range(300):
        output = "".join(rng.choices(pieces, k=rng.randrange(1, 5)))
        made = answer(output)
        kept += not made.refused
        good = made.refused == (not made.citations) and (made.text == REFUSAL if made.refused else bool(made.text))
        for c in made.citations:
            shown = 1 <= c.passage <= len(SHOWN) and SHOWN[c.passage - 1].chunk
            good = (
                good
                and shown
                and shown.start <= c.start < c.end <= shown.end
                and MANUAL.text[c.start : c.end] == c.quote
            )
        if not good:
            wrong.append((output, made))
    assert not wrong
    assert 50 < kept < 290
