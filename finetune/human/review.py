"""People judge rows in the terminal: keep, mend or drop; and how many of the rest are good is estimated from what they kept."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from scipy.stats import binomtest

from finetune.data.rows import TrainingRow
from finetune.data.split import part
from finetune.data.training_set import DEV, DROP, KEEP, MEND, TRAIN, gathered, read_verdicts, state_of, verdicts_of
from finetune.human.import_questions import find_answer
from rag.core.errors import TrainingError
from rag.core.jsonl import write_lines
from rag.core.run_folder import Stage

Ask = Callable[[str], str]
CHOICES = {"k": KEEP, "m": MEND, "d": DROP, "q": "quit"}


@dataclass(frozen=True)
class Estimate:
    """Of the rows not looked at, how many are good as they are: the share kept unchanged, and its 95 % interval by Wilson's score (JASA 22, 1927)."""

    looked_at: int
    good: int
    rest: int

    def __str__(self) -> str:
        if not self.looked_at:
            return f"none of {self.rest} rows looked at yet"
        interval = binomtest(self.good, self.looked_at).proportion_ci(0.95, method="wilson")
        share, low, high = (f"{100 * value:.0f}" for value in (self.good / self.looked_at, interval.low, interval.high))
        counts = f"about {self.rest * self.good / self.looked_at:.0f} of them, between {self.rest * interval.low:.0f} and {self.rest * interval.high:.0f}"
        return f"{self.good} of {self.looked_at} looked at are good; of the {self.rest} others {share} % [{low}, {high}] are: {counts}"


def review(run: str, sample: int | None, ask: Ask = input, show: Callable[[str], None] = print) -> Estimate:
    """Show the run's rows in a random order that stays the same, up to `sample` of them, and keep each verdict as soon as it is given.

    Rows judged before are passed over, unless they have come out otherwise since. Raises TrainingError when nothing has been mined."""
    Stage(run, "mine").receipt()
    rows = sorted(
        (row for name in (TRAIN, DEV) for row in gathered(run, name)),
        key=lambda row: hashlib.sha256(row.id.encode()).digest(),
    )
    verdicts = read_verdicts(run)
    waiting = [row for row in rows[:sample] if not _judged(row, verdicts)]
    for number, row in enumerate(waiting, 1):
        show(f"\n{number} of {len(waiting)}\n{shown(row)}")
        line = ask_for_verdict(row, ask, show)
        if line is None:
            break
        verdicts[row.id] = line
        write_lines(verdicts_of(run), verdicts.values())
    judged = [verdicts[row.id]["verdict"] for row in rows if _judged(row, verdicts)]
    return Estimate(len(judged), judged.count(KEEP), len(rows) - len(judged))


def _judged(row: TrainingRow, verdicts: dict[str, dict]) -> bool:
    return verdicts.get(row.id, {}).get("was") == state_of(row)


def shown(row: TrainingRow) -> str:
    """-> question, passages and answer, for people."""
    passages = "\n".join(
        f"  [{n}] {chunk.location}\n      {' '.join(chunk.text.split())}" for n, chunk in enumerate(row.passages, 1)
    )
    return f"question: {row.question}\n{passages}\nanswer: {row.target}   ({row.kind})"


def ask_for_verdict(row: TrainingRow, ask: Ask, show: Callable[[str], None]) -> dict | None:
    """-> the verdict's line for the file, None to stop."""
    while True:
        try:
            choice = CHOICES.get(ask("k keep, m mend, d drop, q quit: ").strip().lower()[:1])
            mended = mend(row, ask) if choice == MEND else None
        except TrainingError as error:
            show(str(error))
            continue
        except EOFError:
            choice = "quit"
        if choice == "quit":
            return None
        if choice:
            return {
                "id": row.id,
                "verdict": choice,
                "was": state_of(row),
                **({"row": dataclasses.asdict(mended)} if mended else {}),
            }


def mend(row: TrainingRow, ask: Ask) -> TrainingRow:
    """-> the row with the question and answer that the person gives; the passages stay. Raises TrainingError when the answer stands in none of them."""
    question = " ".join(ask("question (Enter: as it is): ").split()) or row.question
    answer = ask("answer, as it stands in a passage (Enter: as it is, -: the passages do not answer it): ").strip()
    if not answer:
        return dataclasses.replace(row, question=question)
    if answer == "-":
        return dataclasses.replace(row, question=question, kind="mended", cited=0, also=())
    cited = row.passages[row.cited - 1] if row.cited else None
    own = [
        chunk for chunk in row.passages if part(chunk.document) == part(row.document)
    ]  # what one part teaches must not come from another's documents
    chunk, span = find_answer((answer,), sorted(own, key=lambda chunk: chunk != cited))
    if chunk is None:
        raise TrainingError(
            "that stands in no passage shown that this row may learn from, word for word: give other words, or - to refuse"
        )
    home = {
        "document": chunk.document,
        "gold": (chunk.start, chunk.end),
        "cited": row.passages.index(chunk) + 1,
        "also": (),
    }
    id = (
        row.id if chunk.document == row.document else f"{chunk.document}:{chunk.start}:{question}"
    )  # by which lineage finds it
    return dataclasses.replace(row, id=id, question=question, answer=span, kind="answerable", **home)
