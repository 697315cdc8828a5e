"""People judge a run's rows: keep, mend or drop. Their verdicts tell how many others are good."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from finetune.data.feedback import feedback_rows
from finetune.data.rows import ANSWERABLE, MENDED, TrainingRow
from finetune.data.split import Split
from finetune.data.training_set import collect_rows
from finetune.data.verdicts import DROP, KEEP, MEND, Verdicts, is_judged, keep_verdict, read_verdicts, row_digest
from finetune.human.find_answer import find_answer
from rag.core.errors import TrainingError
from rag.core.run_folder import Stage

Ask = Callable[[str], str]  # shows a prompt and returns the line that is typed
Show = Callable[[str], None]
QUIT = "quit"
NONE = "-"  # typed for an answer that no passage has
CHOICES = {"k": KEEP, "m": MEND, "d": DROP, "q": QUIT}


@dataclass(frozen=True)
class Estimate:
    """How many of the rows that nobody judged are good as they are.

    The estimate is the share of judged rows that were kept unchanged, with its 95 % interval by Wilson's score (JASA
    22, 1927). judged, good, rest: rows judged, rows of those that were kept, rows not judged.
    """

    judged: int
    good: int
    rest: int

    def __str__(self) -> str:
        if not self.judged:
            return f"none of {self.rest} rows judged yet"
        interval = binomtest(self.good, self.judged).proportion_ci(0.95, method="wilson")
        share = self.good / self.judged
        percent, low, high = (f"{100 * value:.0f}" for value in (share, interval.low, interval.high))
        rows = (
            f"about {self.rest * share:.0f}, between {self.rest * interval.low:.0f} and {self.rest * interval.high:.0f}"
        )
        return (
            f"{self.good} of {self.judged} judged rows are good: {percent} % [{low}, {high}]; "
            f"of the {self.rest} others {rows}"
        )


def review(run: str, sample: int | None, ask: Ask = input, show: Show = print) -> Estimate:
    """Show the run's rows one by one, in an order that stays the same, and keep each verdict as soon as it is given.

    sample: stop after this many rows, None for all. Rows judged before count, and are not shown again unless they have
    changed since. Raises TrainingError when nothing has been mined.
    """
    rows, verdicts, split = rows_to_judge(run), read_verdicts(run), Split.of_run(run)
    waiting = [row for row in rows[:sample] if not is_judged(row, verdicts)]
    for number, row in enumerate(waiting, 1):
        show(f"\n{number} of {len(waiting)}\n{as_text(row)}")
        verdict = ask_for_verdict(row, split, ask, show)
        if verdict is None:
            break
        keep_verdict(run, row.id, verdict)
    return estimate(rows, read_verdicts(run))


def rows_to_judge(run: str) -> list[TrainingRow]:
    """Return the run's rows, those of users' feedback first, since nothing learns from them before they are judged.

    Raises TrainingError when there is neither feedback nor a row that was mined.
    """
    asked, mined = feedback_rows(run), Stage(run, "mine")
    if not (asked and not mined.finished):
        mined.result()
        asked += sorted((row for _, row in collect_rows(run)), key=lambda row: hashlib.sha256(row.id.encode()).digest())
    return asked


def estimate(rows: Sequence[TrainingRow], verdicts: Verdicts) -> Estimate:
    """Return how many of the rows are judged, and what that says of the others."""
    judged = [verdicts[row.id]["verdict"] for row in rows if is_judged(row, verdicts)]
    return Estimate(len(judged), judged.count(KEEP), len(rows) - len(judged))


def as_text(row: TrainingRow) -> str:
    """Return question, passages and answer for people to read."""
    passages = "\n".join(
        f"  [{number}] {chunk.location}\n      {' '.join(chunk.text.split())}"
        for number, chunk in enumerate(row.passages, 1)
    )
    return f"question: {row.question}\n{passages}\nanswer: {row.target}   ({row.kind})"


def ask_for_verdict(row: TrainingRow, split: Split, ask: Ask, show: Show) -> dict[str, Any] | None:
    """Ask until there is a verdict, and return its line for the verdicts file; None to stop."""
    while True:
        try:
            choice = CHOICES.get(ask("k keep, m mend, d drop, q quit: ").strip().lower()[:1])
            mended = _ask_for_mending(row, split, ask) if choice == MEND else None
        except TrainingError as error:
            show(str(error))
            continue
        except EOFError:
            choice = QUIT
        if choice == QUIT:
            return None
        if choice:
            return verdict_line(row, choice, mended)


def verdict_line(row: TrainingRow, verdict: str, mended: TrainingRow | None = None) -> dict[str, Any]:
    """Return the line for a verdict (KEEP, MEND or DROP) that `keep_verdict` keeps. mended: for MEND."""
    line: dict[str, Any] = {"id": row.id, "verdict": verdict, "was": row_digest(row)}
    return line | ({"row": dataclasses.asdict(mended)} if mended else {})


def _ask_for_mending(row: TrainingRow, split: Split, ask: Ask) -> TrainingRow:
    question = ask("question (Enter: as it is): ")
    return mend(row, split, question, ask(f"answer, as it stands in a passage (Enter: as it is, {NONE}: none does): "))


def mend(row: TrainingRow, split: Split, question: str, answer: str) -> TrainingRow:
    """Return the row with the question and the answer that a person gives; its passages stay.

    question, answer: "" for as it is; the answer NONE where no passage answers the question. The answer must stand in a
    passage of the row's own part, so that training never learns what held-out questions test. Raises TrainingError
    where it does not.
    """
    question, answer = " ".join(question.split()) or row.question, answer.strip()
    if not answer:
        return dataclasses.replace(row, question=question)
    if answer == NONE:
        return dataclasses.replace(row, question=question, kind=MENDED, cited=0, also=())
    cited, part = row.passages[row.cited - 1] if row.cited else None, split.part_of(row.document, row.gold[0])
    own = [chunk for chunk in row.passages if split.part_of(chunk.document, chunk.start) == part]
    chunk, span = find_answer((answer,), sorted(own, key=lambda chunk: chunk != cited))
    if chunk is None:
        raise TrainingError(
            "no passage that this row may learn from has these words: copy them from one that is shown, or - to refuse"
        )
    return dataclasses.replace(
        row,
        # Lineage finds a row by the document that its id begins with.
        id=row.id if chunk.document == row.document else f"{chunk.document}:{chunk.start}:{question}",
        question=question,
        answer=span,
        kind=ANSWERABLE,
        document=chunk.document,
        gold=(chunk.start, chunk.end),
        cited=row.passages.index(chunk) + 1,
        also=(),
    )
