"""Forgetting: general instructions for the base and the tuned model, each output checked by a regular expression."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.metrics.prediction import Figures
from eval.metrics.statistics import group_by, mcnemar, mean, paired_bootstrap
from eval.runs.resume import resumable_batches
from rag.core.jsonl import read_lines
from rag.generation import prompt
from rag.generation.generator import Generator, Prompt

FILE = Path(__file__).parent / "instructions.jsonl"
LONGEST = 48  # tokens of an output
BATCH = 40  # short prompts

Result = dict[str, Any]  # id, group, output, and whether it passed


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    pattern: a regular expression that a right output matches somewhere. good, bad: outputs that it must accept and
    refuse.
    """

    id: str
    group: str
    instruction: str
    pattern: str
    good: str
    bad: str

    def passed(self, output: str) -> bool:
        """Return whether the output follows the instruction."""
        return bool(re.search(self.pattern, output.strip(), re.IGNORECASE | re.DOTALL))


def read_instructions(path: Path = FILE) -> list[Instruction]:
    """Read the instructions that come with the evaluation."""
    return [Instruction(**row) for row in read_lines(path)]


def ask_instructions(generator: Generator, path: Path, label: str) -> list[Result]:
    """Return the generator's output for each instruction, and whether it passed; `path` keeps the outputs."""
    instructions = read_instructions()

    def answer(batch: list[Instruction]) -> list[Result]:
        prompts: list[Prompt] = [prompt.render_plain(generator.tokenizer, each.instruction) for each in batch]
        outputs = generator.generate(prompts, LONGEST)
        return [{"id": i.id, "group": i.group, "output": out.text} for i, out in zip(batch, outputs, strict=True)]

    rows = resumable_batches(path, instructions, BATCH, lambda i: len(i.instruction), answer, label)
    return [{**rows[i.id], "passed": i.passed(rows[i.id]["output"])} for i in instructions]


def followed_shares(results: list[Result]) -> Figures:
    """Return the share of instructions that were followed, over all and by group."""
    groups = group_by(results, lambda row: row["group"])
    by_group = {group: mean([float(row["passed"]) for row in members]) for group, members in groups.items()}
    return {"n": len(results), "followed": mean([float(row["passed"]) for row in results]), "by_group": by_group}


def compare_instructions(before: list[Result], after: list[Result]) -> Figures:
    """Compare the share that is followed after training with that before it.

    Returns the paired difference with its interval, McNemar's p-value, and the ids of the instructions lost and
    gained.
    """
    a, b = [row["passed"] for row in before], [row["passed"] for row in after]
    lost = [y["id"] for x, y in zip(before, after, strict=True) if x["passed"] and not y["passed"]]
    gained = [y["id"] for x, y in zip(before, after, strict=True) if y["passed"] and not x["passed"]]
    difference = paired_bootstrap([float(x) for x in a], [float(x) for x in b])
    return {**asdict(difference), "mcnemar_p": round(mcnemar(a, b), 6), "lost": lost, "gained": gained}
