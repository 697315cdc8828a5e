"""Forgetting: general instructions, asked of the base and of the tuned model, each checked by a pattern."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.metrics.statistics import group_by, mcnemar, mean, paired_bootstrap
from eval.runs.resume import resumable_batches
from rag.core.jsonl import read_lines
from rag.generation import prompt
from rag.generation.generator import Generator

FILE = Path(__file__).parent / "instructions.jsonl"
LONGEST = 48  # tokens


@dataclass(frozen=True)
class Instruction:
    """pattern: a regular expression that a right output holds. good, bad: outputs that it must accept and refuse."""

    id: str
    group: str
    instruction: str
    pattern: str
    good: str
    bad: str

    def passed(self, output: str) -> bool:
        return bool(re.search(self.pattern, output.strip(), re.IGNORECASE | re.DOTALL))


def read_instructions(path: Path = FILE) -> list[Instruction]:
    return [Instruction(**row) for row in read_lines(path)]


def ask_instructions(generator: Generator, path: Path, label: str) -> list[dict[str, Any]]:
    """-> the generator's output to each instruction, and whether it passed; kept in `path`, which belongs to this generator alone."""
    instructions = read_instructions()

    def answer(batch: list[Instruction]) -> list[dict[str, Any]]:
        prompts = [prompt.render_plain(generator.tokenizer, i.instruction) for i in batch]
        told = zip(batch, generator.generate(prompts, LONGEST), strict=True)
        return [{"id": i.id, "group": i.group, "output": g.text} for i, g in told]

    rows = resumable_batches(path, instructions, 40, lambda i: len(i.instruction), answer, label)
    return [{**rows[i.id], "passed": i.passed(rows[i.id]["output"])} for i in instructions]


def followed_shares(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """-> share of instructions followed, over all and by group."""
    by_group = {
        group: mean([float(row["passed"]) for row in members])
        for group, members in group_by(rows, lambda row: row["group"]).items()
    }
    return {"n": len(rows), "followed": mean([float(row["passed"]) for row in rows]), "by_group": by_group}


def compare_instructions(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[str, Any]:
    """-> after minus before in the share followed, with its paired interval, McNemar's p, and the instructions lost and gained."""
    a, b = [row["passed"] for row in before], [row["passed"] for row in after]
    lost = [y["id"] for x, y in zip(before, after, strict=True) if x["passed"] and not y["passed"]]
    gained = [y["id"] for x, y in zip(before, after, strict=True) if y["passed"] and not x["passed"]]
    difference = paired_bootstrap([float(x) for x in a], [float(x) for x in b])
    return {**asdict(difference), "mcnemar_p": round(mcnemar(a, b), 6), "lost": lost, "gained": gained}
