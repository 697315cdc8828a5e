"""Published figures: each stands in published.toml beside the command that makes it and a tolerance; README's table is made from that file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from rag.core.errors import EvaluationError

FILE = Path(__file__).parents[1] / "published.toml"
README = Path("README.md")
BEGIN, END = "<!-- published: made by python -m eval reproduce --readme -->", "<!-- end of published -->"

Result = dict[str, Any]


def read_published(path: Path = FILE) -> list[Result]:
    """-> results: name, command, file (the JSON that the command writes), about (what was asked), verdict (a sentence), figures: {dotted path of a group
    in the file: {path in the group: value}}, tolerance: how far a figure may be off, overridden by tolerances: {path in the group: value}."""
    with path.open("rb") as file:
        return tomllib.load(file)["result"]


def reproduce(only: str | None = None, path: Path = FILE) -> None:
    """Run each result's command and compare; prints a line a figure. Raises EvaluationError when one is off by more than its tolerance."""
    results = [r for r in read_published(path) if only in (None, r["name"])]
    if not results:
        raise EvaluationError(
            f"no result is called {only}; there are {', '.join(r['name'] for r in read_published(path))}"
        )
    off, here = (
        0,
        {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )  # so that python is this one
    for result in results:
        print(f"--- {result['name']}: {result['command']}", flush=True)
        if subprocess.run(result["command"], shell=True, env=here).returncode:
            raise EvaluationError(f"the command of {result['name']} failed: {result['command']}")
        for line, same in compared(result, json.loads(Path(result["file"]).read_text(encoding="utf-8"))):
            off += not same
            print(line)
    if off:
        raise EvaluationError(f"{off} published figures are not what their commands give here")


def compared(result: Result, found: Result) -> list[tuple[str, bool]]:
    """-> a line for each figure, and whether it is within its tolerance."""
    lines = []
    for prefix, short, published in figures(result):
        name = f"{prefix}.{short}"
        now, tolerance = look_up(found, name), result.get("tolerances", {}).get(short, result["tolerance"])
        same = now is not None and abs(now - published) <= tolerance
        lines.append(
            (f"{'same' if same else 'OFF '} {name}: published {published}, now {now}, tolerance {tolerance}", same)
        )
    return lines


def figures(result: Result) -> list[tuple[str, str, float]]:
    """-> (dotted path of the group in the command's JSON, path in the group, value) of each published figure."""
    return [(prefix, name, value) for prefix, values in result["figures"].items() for name, value in values.items()]


def look_up(found: Any, name: str) -> float | None:
    """-> the number at a dotted path; a number in the path picks from a list."""
    for part in name.split("."):
        inside = dict(enumerate(found)) if isinstance(found, list) else found if isinstance(found, dict) else {}
        found = inside.get(int(part) if isinstance(found, list) and part.isdecimal() else part)
    return found


def table(results: list[Result]) -> str:
    """-> README's table in Markdown: a row for each generator of each result, a column for each figure, and the commands below."""
    rows = [
        (r, prefix, values)
        for r in results
        for prefix, values in r["figures"].items()
        if prefix.startswith("generators.")
    ]
    columns = list(dict.fromkeys(name for _, _, values in rows for name in values))
    head = ["questions", "generator", *(name.replace("_", " ").replace("refusal.", "refusal ") for name in columns)]
    lines = [head, ["---"] * len(head)]
    for result, prefix, values in rows:
        lines.append(
            [
                result["about"],
                prefix.removeprefix("generators."),
                *(f"{values[c]:.3f}" if c in values else "" for c in columns),
            ]
        )
    made = [f"- {r['about']}: `{r['command']}`. {r['verdict']}" for r in results]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n\n" + "\n".join(made)


def with_table(readme: str, results: list[Result]) -> str:
    """-> README's text with the table between its marks made anew."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise EvaluationError(f"README.md lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(results)}\n{END}{after}"


def write_readme() -> None:
    README.write_text(with_table(README.read_text(encoding="utf-8"), read_published()), encoding="utf-8")
    print("README's table is made from eval/published.toml")
