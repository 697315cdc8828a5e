"""What promptfoo's assertions say of the right answer."""

from __future__ import annotations

import re
from typing import Any

# Kinds of assertion whose value is an answer. The others ask a model, run a script, or check a format.
KINDS = frozenset("equals contains icontains contains-any icontains-any similar factuality".split())
CSV_COLUMN = "__expected"
_WRITTEN = re.compile(r"\s*([a-z][a-z-]*)(?:\([^)]*\))?:\s*(.*)", re.DOTALL)  # "contains: 24 V", "similar(0.8): 24 V"


def asserted_answers(assertions: list[Any]) -> list[Any]:
    """Return the values of the assertions that are answers."""
    found = [each.get("value") for each in assertions if isinstance(each, dict) and each.get("type") in KINDS]
    return [value for each in found for value in (each if isinstance(each, list) else [each]) if value is not None]


def expected_answers(cell: str) -> list[str] | None:
    """Return the answers that a cell of the column __expected names, None where it names another kind of check."""
    written = _WRITTEN.fullmatch(cell)
    if written is None:
        return [cell]
    kind, value = written[1], written[2].strip()
    if kind not in KINDS:
        return None
    return [part.strip() for part in value.split(",")] if kind.endswith("-any") else [value]
