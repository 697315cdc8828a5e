import pytest

from eval.report.report import as_markdown, as_text
from eval.report.tables import tables
from eval.runs.compare import compare_generators
from eval.runs.summary import summarize_one
from rag.generation.prompt import REFUSAL
from rows import ANSWER, scored


def rows(probabilities, unanswerable):
    """Return extractive predictions at threshold 0.2 of these probabilities."""
    answered = [_row(str(n), (ANSWER,), p) for n, p in enumerate(probabilities)]
    return answered + [_row(f"u{n}", (), p) for n, p in enumerate(unanswerable)]


def _row(id, answers, probability):
    refused = probability < 0.2
    support = {} if refused else {"support": [{"supported": False}]}
    confidence = 1 - probability if refused else probability
    return scored(
        REFUSAL if refused else ANSWER,
        answers,
        id=id,
        output=f"{ANSWER} [1]",
        extractive=True,
        confidence=round(confidence, 4),
        **support,
    )


@pytest.fixture
def summary():
    base = rows([0.1] * 10 + [0.3] * 10, [0.05, 0.15, 0.25, 0.35])
    tuned = rows([0.9] * 20, [0.05, 0.15, 0.25, 0.35])
    return {
        "n": 24,
        "notes": [],
        "generators": {"base": summarize_one(base), "tuned": summarize_one(tuned)},
        "comparisons": [compare_generators("base", base, "tuned", tuned)],
    }


def test_equal_right_refusals_stand_beside_the_default_threshold(summary):
    by_title = {table.title: table for table in tables(summary)}
    table = by_title["tuned against base, at equal right refusals"]
    assert [row[0] for row in table.rows] == ["0.500, as base at its own threshold", "0.700"]
    assert table.rows[0][1:3] == ["0.500", "1.000"]
    sentence = "tuned minus base where both refuse 0.500 of the unanswerable questions, as base does: F1 +0.500"
    assert sentence in as_text(summary) and sentence in as_markdown(summary)


def test_groundedness_is_in_the_diagnostics_alone_with_its_caveat(summary):
    for text in (as_text(summary), as_markdown(summary)):
        head, title, rest = text.partition("Groundedness check")
        assert title and "grounded" not in head.lower() and "hallucinat" not in head.lower()
        assert "groundedness" in rest and "hallucinated, tuned minus base" in rest and "kappa is 0.22" in rest
    assert [table.title for table in tables(summary) if table.diagnostic] == ["Groundedness check"]


def test_every_table_says_what_it_shows_and_its_rows_fit_its_head(summary):
    for table in tables(summary):
        assert table.text.endswith((".", "alone.")) and len(table.text) > 30, table.title
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title
