"""A person looks at rows in the terminal: keep, mend, drop. What was said is written at once, so that a review can go on any time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from finetune.data import Row
from finetune.imported import to_row
from finetune.sources import Item
from finetune.verdicts import DROP, KEEP, MEND, Verdict, estimate, verdict_on, write_verdicts
from rag.retrieval import Retriever

Ask = Callable[[str], str]
NONE = "-"  # what is typed for: the documents do not answer this


def by_chance(rows: list[Row]) -> list[Row]:
    """-> the rows in an order that has nothing to do with what they are, and in which they stay when others come or go."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest())


def review(run: str, rows: list[Row], verdicts: dict[str, Verdict], sample: int | None, ask: Ask, retriever: Callable[[], Retriever]) -> None:
    """Show those of the first `sample` rows (all, if None) in an order by chance that have not been judged, until the person quits; then the estimate.
    retriever: called when a row is mended, since its passages are searched for again."""
    chosen = by_chance(rows)[:sample]
    waiting = [row for row in chosen if not verdict_on(row, verdicts)]
    for n, row in enumerate(waiting):
        said = _judge(row, f"{len(chosen) - len(waiting) + n + 1} of {len(chosen)}", ask, retriever)
        if said is None:
            break
        verdicts = {**verdicts, row.id: said}
        write_verdicts(run, verdicts)
    print(estimate(rows, verdicts))


def _judge(row: Row, number: str, ask: Ask, retriever: Callable[[], Retriever]) -> Verdict | None:
    """-> the verdict, None to quit. A mended row is shown again, and counts once it is kept."""
    now = row
    while True:
        print(f"\n--- {number}\n{shown(now)}")
        match _answer(ask, "keep, mend, drop, quit? [k/m/d/q] ").lower()[:1]:
            case "k":
                return Verdict(row.id, KEEP if now == row else MEND, row.question, row.target, None if now == row else now)
            case "d":
                return Verdict(row.id, DROP, row.question, row.target)
            case "m":
                now = _mend(now, ask, retriever)
            case "q":
                return None


def _mend(row: Row, ask: Ask, retriever: Callable[[], Retriever]) -> Row:
    """-> the row that the person's question and answer make through the serving retriever; the same row, and the reason said, if none."""
    question = _answer(ask, "question (Enter: as it is): ", "") or row.question
    answer = _answer(ask, f"answer in the words of a passage, {NONE} for none (Enter: as it is): ", "") or row.answer or NONE
    made, reason = to_row(Item(question, () if answer == NONE else (answer,), row.document), retriever())
    if made is None:
        print(f"not mended: {reason}")
        return row
    return replace(made, id=row.id)


def _answer(ask: Ask, text: str, at_end: str = "q") -> str:
    try:
        return ask(text).strip()
    except EOFError:
        return at_end


def shown(row: Row) -> str:
    """-> the row for people; nothing in a document moves the terminal's cursor."""
    passages = "\n".join(f"  [{n}] {_plain(chunk.place)}\n      {_plain(chunk.text)}" for n, chunk in enumerate(row.passages, 1))
    return f"{passages}\nquestion: {_plain(row.question)}\nanswer:   {_plain(row.target)}   ({row.kind})"


def _plain(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
