"""All targets fuzzed, and what was found as a table."""

from __future__ import annotations

import sys
from typing import Any

from eval.suites.fuzz.runner import run_apart
from eval.suites.fuzz.targets import TARGETS
from rag.core.errors import EvaluationError


def fuzz_all(inputs: int, seconds: float, first: int, only: str) -> dict[str, Any]:
    """Give each target so many inputs, or as many as fit into the seconds, and return what came of each.

    first: number of the first input, from which it is made. only: a target, "" for all. Raises EvaluationError for an
    unknown one.
    """
    if only and only not in TARGETS:
        raise EvaluationError(f"no target is called {only!r}: {', '.join(TARGETS)}")
    found = {}
    for target in [only] if only else TARGETS:
        found[target] = run_apart(target, inputs, seconds, first)
        print(f"{target}: {found[target]['inputs']} inputs", file=sys.stderr, flush=True)
    return {"inputs": sum(each["inputs"] for each in found.values()), "targets": found}


def as_text(found: dict[str, Any]) -> str:
    """Return counts for people, and below them what was not refused as it should be."""
    lines = ["| target | inputs | refused | slowest, s | memory, MB | faults |", "|-|-|-|-|-|-|"]
    faults = []
    for name, of in found["targets"].items():
        counts = f"{of['inputs']:,} | {of['refused']:,} | {of['slowest']} | {of['memory_mb']}"
        lines.append(f"| {name} | {counts} | {len(of['found'])} |")
        faults += [f"{name}: {each['where']} (input {each['seed']!r})" for each in of["found"]]
    return "\n".join([*lines, "", f"{found['inputs']:,} inputs", *faults])
