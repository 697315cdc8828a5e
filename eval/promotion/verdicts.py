"""Paired tests of trained components on the gate questions, and the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.metrics.statistics import Difference, mean, paired_bootstrap
from rag.models.registry import weights_digest

OLD = "old"  # the name of the cell with nothing new
FEWEST = 60  # gate questions, below which nothing that was not shown can be told from nothing
GENERATOR, EMBEDDER, RERANKER = "generator", "embedder", "reranker"

Cell = tuple[str, ...]  # the new components in it
Values = dict[Cell, list[float]]  # a value for each question


def cell_name(cell: Cell) -> str:
    """Return the name of a cell in tables and file names."""
    return "+".join(cell) or OLD


def judge_components(
    answers: Mapping[str, Values], orders: Mapping[str, Values], new: Mapping[str, Path]
) -> dict[str, Any]:
    """Return the mean of every measure in every cell, the tests, and the verdict on each new component.

    answers: values by cell of each measure of answers, the deciding one first. orders: values by cell of each measure
    of passage order, over the cells without the generator. new: the folder of each new component's weights.

    The generator must win the first measure of answers. Embedder and cross-encoder must win the first measure of
    order. No measure that a component is tested by may be shown to be worse.
    """
    tests: dict[str, dict[str, Difference]] = {}
    for name in new:
        measures = answers if name == GENERATOR else {**orders, **answers}
        tests[name] = {measure: main_effect(values, name) for measure, values in measures.items()}
    cells = next(iter(answers.values()))
    return {
        "cells": {cell_name(cell): _means(cell, answers, orders) for cell in cells},
        "tests": {name: {m: asdict(d) for m, d in each.items()} for name, each in tests.items()},
        "verdicts": {name: verdict(name, each, new[name]) for name, each in tests.items()},
    }


def _means(cell: Cell, answers: Mapping[str, Values], orders: Mapping[str, Values]) -> dict[str, float]:
    order = tuple(component for component in cell if component != GENERATOR)
    means = {measure: mean(values[cell]) for measure, values in answers.items()}
    return {**means, **{measure: mean(values[order]) for measure, values in orders.items()}}


def main_effect(values: Values, component: str) -> Difference:
    """Return what a component adds, with its paired interval.

    For each question: the mean over the cells with the component, minus that over the same cells without it (main
    effect of a factorial design; Fisher, The Design of Experiments, 1935).
    """
    with_it = [cell for cell in values if component in cell]
    without = [tuple(c for c in cell if c != component) for cell in with_it]
    return paired_bootstrap(_mean_by_question(values, without), _mean_by_question(values, with_it))


def _mean_by_question(values: Values, cells: list[Cell]) -> list[float]:
    return [sum(column) / len(column) for column in zip(*(values[cell] for cell in cells), strict=True)]


def verdict(component: str, tests: Mapping[str, Difference], folder: Path) -> dict[str, Any]:
    """Return whether to promote, and the sentence that says why.

    The first test must be won and none may be lost.
    """
    first, lost = next(iter(tests.values())), [measure for measure, d in tests.items() if d.high < 0]
    promote = first.low > 0 and not lost
    not_better = f"is worse at {lost[0]}" if lost else _not_shown(first)
    outcome = "is better than what was live" if promote else not_better
    figures = "; ".join(f"{measure} {difference}" for measure, difference in tests.items())
    return {
        "promote": promote,
        "folder": str(folder),
        "weights": weights_digest(component, folder),
        "sentence": f"the trained {component} {outcome}: {figures}",
    }


def _not_shown(test: Difference) -> str:
    """Return what a test says that showed no gain, with the smallest gain that so many questions could have shown."""
    could = f"{test.n} gate questions could have shown a gain of {(test.high - test.low) / 2:.3f}"
    if test.n < FEWEST:
        return f"cannot be told from what was live: {could}, and {FEWEST} are needed; add documents or import questions"
    return f"is not shown to be better than what was live: {could}"


def as_text(result: dict[str, Any]) -> str:
    """Return the cells as a Markdown table, then the verdict on each component."""
    cells = result["cells"]
    measures = list(next(iter(cells.values())))
    lines = [
        f"{result['n']} gate questions ({result['questions']}) of run {result['run']}; {OLD} is what was live",
        "",
        f"| new | {' | '.join(measures)} |",
        "| --- " * (len(measures) + 1) + "|",
        *(f"| {name} | {' | '.join(f'{means[m]:.3f}' for m in measures)} |" for name, means in cells.items()),
        "",
        *(f"{'promote' if v['promote'] else 'keep'}: {v['sentence']}" for v in result["verdicts"].values()),
        f"milliseconds a search, median: {result['search_ms']}",
    ]
    return "\n".join(lines)
