"""eval/RESULTS.md and README's table, made from the published figures."""

from __future__ import annotations

from pathlib import Path

from eval.metrics.statistics import group_by
from eval.report.glossary import DIAGNOSTICS
from eval.report.published import Figure, Result, read_machines, read_published
from rag.core.errors import EvaluationError

README, RESULTS = Path("README.md"), Path("eval/RESULTS.md")
BEGIN = "<!-- results: made by python -m eval reproduce --results -->"
END = "<!-- end of results -->"
HEADLINE = "gold"  # the result that README shows
COLUMNS = {"F1": "f1", "refusal F1": "refusal.f1", "right citations": "right_citations"}  # of README's table
COUNTED = "refusal.recall"  # its n is the number of unanswerable questions

INTRODUCTION = """# Results

Made from `eval/published.toml` by `python -m eval reproduce --results`; `make reproduce` runs the commands again and
compares. Each section names the commit, the machine, and what the same data has chosen: a figure on data that chose a
setting flatters that setting. A cell is a value with n in brackets, or a difference with its 95 % interval and n.
`eval/README.md` explains the measures, `eval/LOG.md` what else was tried."""


def results_page(results: list[Result], machines: dict[str, str]) -> str:
    """Return the text of eval/RESULTS.md."""
    legend = "\n".join(f"- **{name}**: {text}" for name, text in machines.items())
    index = "\n".join(f"- [{result.title}](#{result.name})" for result in results)
    return "\n\n".join([INTRODUCTION, legend, index, *map(_section, results)]) + "\n"


def _section(result: Result) -> str:
    plain = [figure for figure in result.figures if not figure.diagnostic]
    diagnostic = [figure for figure in result.figures if figure.diagnostic]
    facts = [f"- commit {result.commit}; machine {result.machine}", f"- chosen on the same data: {result.chosen_on}"]
    facts += [f"- {result.note}"] if result.note else []
    facts += [f"- not run by `make reproduce`: {result.not_rerun}"] if result.not_rerun else []
    parts = [f'<a id="{result.name}"></a>\n## {result.title}', f"```\n{result.command}\n```", "\n".join(facts)]
    parts += [_table(plain, result.labels)] if plain else []
    parts += [f"**{result.verdict}**"] if result.verdict else []
    parts += [f"Diagnostics. {DIAGNOSTICS}", _table(diagnostic, result.labels)] if diagnostic else []
    return "\n\n".join(parts)


def _table(figures: list[Figure], labels: dict[str, str]) -> str:
    """A row for each group; groups that share no column with the one before start a table of their own."""
    groups = list(dict.fromkeys(figure.group for figure in figures))
    by_group = group_by(figures, lambda figure: figure.group)
    tables: list[list[str]] = []
    for group in groups:
        keys = {figure.key for figure in by_group[group]}
        if not tables or not keys & {figure.key for name in tables[-1] for figure in by_group[name]}:
            tables.append([])
        tables[-1].append(group)
    return "\n\n".join(_rows([(name, by_group[name]) for name in names], labels) for names in tables)


def _rows(groups: list[tuple[str, list[Figure]]], labels: dict[str, str]) -> str:
    columns = list(dict.fromkeys(figure.key for _, figures in groups for figure in figures))
    lines = [["", *(labels.get(column, column.replace("_", " ").replace(".", " ")) for column in columns)]]
    lines.append(["---"] * len(lines[0]))
    for group, figures in groups:
        by_key = {figure.key: figure for figure in figures}
        label = labels.get(group, group.removeprefix("generators.").removeprefix("orders."))
        lines.append([label, *(_cell(by_key.get(column)) for column in columns)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    n = f" ({figure.n})" if figure.n else ""
    if figure.low is not None:
        return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]{n}"
    as_share = figure.value == 0 or 0.01 <= abs(figure.value) <= 1
    return f"{figure.value:.3f}{n}" if as_share else f"{figure.value:.3g}{n}"


def readme_table(results: list[Result]) -> str:
    """Return README's table: a row for each generator of the headline result."""
    (headline,) = (result for result in results if result.name == HEADLINE)
    figures = {(figure.group, figure.key): figure for figure in headline.figures}
    groups = [group for group, key in figures if key == COUNTED]
    lines = [["generator", *COLUMNS, "n"], ["---"] * (len(COLUMNS) + 2)]
    for group in groups:
        cells = [f"{figures[group, key].value:.3f}" for key in COLUMNS.values()]
        n = f"{figures[group, 'f1'].n} + {figures[group, COUNTED].n}"
        lines.append([group.removeprefix("generators."), *cells, n])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def with_table(readme: str, results: list[Result]) -> str:
    """Return README's text with the table between its marks made anew. Raises EvaluationError where it has no marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise EvaluationError(f"README.md lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{readme_table(results)}\n{END}{after}"


def write_tables() -> None:
    """Write eval/RESULTS.md, and the table in README.md."""
    results = read_published()
    RESULTS.write_text(results_page(results, read_machines()), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), results), encoding="utf-8")
    print(f"{RESULTS} and the table in {README} are made from eval/published.toml")
