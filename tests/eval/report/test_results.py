from pathlib import Path

import pytest

from eval.report.published import Figure, Result, read_machines, read_published
from eval.report.results import BEGIN, END, RESULTS, readme_table, results_page, with_table
from rag.core.errors import EvaluationError

ROOT = Path(__file__).parents[3]
FIGURES = [
    Figure("generators.base", "f1", 0.1, 212),
    Figure("generators.base", "refusal.f1", 0.3, 72),
    Figure("generators.base", "refusal.recall", 0.5, 72),
    Figure("generators.base", "right_citations", 0.6, 30),
    Figure("generators.base", "groundedness", 0.4, 30, diagnostic=True),
    Figure("comparisons.0.measures.F1", "difference", 0.2, 212, 0.1, 0.3),
    Figure("generators.tuned", "f1", 0.3, 212),
]


def result(**more):
    facts = {"name": "gold", "title": "Gold", "command": "run it", "commit": "abc", "machine": "small"}
    labels = {"comparisons.0.measures.F1": "tuned minus base", "f1": "F1"}
    return Result(**{**facts, "chosen_on": "Nothing.", "figures": FIGURES, "labels": labels, **more})


def test_a_section_names_commit_machine_command_and_what_the_data_has_chosen():
    page = results_page([result(note="Spans.", verdict="Better.")], {"small": "two cores"})
    for text in ("## Gold", "```\nrun it\n```", "commit abc", "machine small", "chosen on the same data: Nothing."):
        assert text in page
    assert "- **small**: two cores" in page and "- Spans." in page and "**Better.**" in page
    assert "| base | 0.100 (212) | 0.300 (72) | 0.500 (72) | 0.600 (30) |" in page
    assert "| tuned minus base | 0.200 [0.100, 0.300] (212) |" in page


def test_groundedness_stands_apart_with_its_caveat():
    page = results_page([result()], {})
    head, _, rest = page.partition("Diagnostics. ")
    assert (
        "groundedness" not in head.split("## Gold")[1] and "kappa is 0.22" in rest and "| base | 0.400 (30) |" in rest
    )


def test_what_is_not_rerun_says_so():
    assert "- not run by `make reproduce`: too long" in results_page([result(not_rerun="too long")], {})


def test_readmes_table_has_a_row_for_each_generator_of_the_headline_result():
    figures = [figure for figure in FIGURES if figure.group == "generators.base"]
    assert readme_table([result(figures=figures)]).splitlines()[2:] == ["| base | 0.100 | 0.300 | 0.600 | 212 + 72 |"]


def test_only_what_stands_between_the_marks_is_made_anew():
    results = read_published()
    before = f"# Title\n\n{BEGIN}\nold figures\n{END}\n\nAfter.\n"
    after = with_table(before, results)
    assert after == f"# Title\n\n{BEGIN}\n{readme_table(results)}\n{END}\n\nAfter.\n"
    assert with_table(after, results) == after


@pytest.mark.parametrize("readme", ["", f"{BEGIN}\n", f"{END}\n", f"{END}\n{BEGIN}\n"])
def test_a_readme_without_the_marks_is_refused(readme):
    with pytest.raises(EvaluationError, match="lacks the marks"):
        with_table(readme, read_published())


def test_the_results_page_is_what_the_generator_makes():
    page = (ROOT / RESULTS).read_text(encoding="utf-8")
    assert page == results_page(read_published(), read_machines())


def test_readmes_table_is_what_the_generator_makes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, read_published()) == readme
