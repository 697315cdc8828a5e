"""Rows looked at by a person, in the terminal: kept, mended or dropped; and how many of those that nobody has looked at are good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from scipy.stats import binomtest

from finetune.data import Row, TrainingError
from finetune.verdicts import DROP, KEEP, MEND, Verdict, about, keep_verdict, mended, shown_as, verdicts_of
from rag.prompt import REFUSAL

KEYS = "k keep, m mend, d drop, q quit: "
Ask = Callable[[str], str]  # shows a prompt, gives the line that was typed; raises EOFError at the end of input


def review(run: str, rows: list[Row], sample: int, ask: Ask) -> None:
    """Show rows and keep the verdicts, until `sample` of them have one (0: all) or the person quits; then say how good the rest are."""
    chosen = in_chance_order(rows)[: sample or len(rows)]
    for n, row in enumerate(chosen, 1):
        if about(row, verdicts_of(run)):
            continue
        verdict = _judge(row, f"{n} of {len(chosen)}", ask)
        if verdict is None:
            break
        keep_verdict(run, verdict)
    print(estimate(rows, verdicts_of(run)))


def in_chance_order(rows: list[Row]) -> list[Row]:
    """-> the rows in an order that has nothing to do with what they are and is always the same: its beginning is a random sample."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest())


def _judge(row: Row, place: str, ask: Ask) -> Verdict | None:
    """-> the person's verdict, None to quit."""
    print(described(row, place))
    try:
        while True:
            key = ask(KEYS).strip().lower()[:1]
            if key == "q":
                return None
            if key in ("k", "d"):
                return Verdict(row.id, shown_as(row), KEEP if key == "k" else DROP)
            if key == "m":
                return _mend(row, ask)
    except EOFError:
        return None


def _mend(row: Row, ask: Ask) -> Verdict:
    """Ask until a passage holds the answer."""
    while True:
        question = ask("question, as it should be (nothing: as it is): ").strip() or row.question
        said = ask("answer, in a passage's words (nothing: as it is; - for none): ").strip()
        answer = "" if said == "-" else said or (row.answer if row.cited else "")
        try:
            mended(row, question, answer)
            return Verdict(row.id, shown_as(row), MEND, question, answer)
        except TrainingError as error:
            print(error)


def described(row: Row, place: str) -> str:
    """-> what the person sees."""
    passages = [f"  [{n}] {passage.place}\n      {' '.join(passage.text.split())}" for n, passage in enumerate(row.passages, 1)]
    label = f"{row.answer} [{row.cited}]" if row.cited else f"{REFUSAL} ({row.kind}{f'; asked for {row.answer!r}' if row.answer else ''})"
    return "\n".join([f"\n--- {place}, {row.document or 'no document'}", *passages, f"question: {row.question}", f"answer:   {label}"])


def estimate(rows: list[Row], verdicts: dict[str, Verdict]) -> str:
    """-> how many of the rows reviewed were good as they were, and with Wilson's 95 % interval (JASA 22, 1927) how many of the rest are likely to be."""
    said = [found.verdict for row in rows if (found := about(row, verdicts))]
    if not said:
        return f"none of {len(rows)} rows is reviewed yet"
    good, rest = said.count(KEEP), len(rows) - len(said)
    told = f"{good} of {len(said)} reviewed rows were good, {said.count(MEND)} mended, {said.count(DROP)} dropped"
    if not rest:
        return f"{told}; all rows are reviewed"
    interval = binomtest(good, len(said)).proportion_ci(method="wilson")
    return f"{told}; of the {rest} others {good / len(said):.0%} [{interval.low:.0%}, {interval.high:.0%}] are likely to be good"
