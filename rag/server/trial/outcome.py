"""What people have said of the two generators of a split, and what that shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.server.state.feedback import Vote, split_votes
from rag.server.state.splits import ARMS, Split
from rag.server.trial.sequential_test import ALPHA, Verdict, judge, vote_differences


@dataclass(frozen=True)
class Count:
    """Verdicts on the answers of one arm: how many, and how many thumbs up, corrections and refusals are among them."""

    votes: int
    up: int
    corrected: int
    refused: int


def count(votes: Sequence[Vote], arm: str) -> Count:
    """Return the counts of an arm's votes."""
    own = [vote for vote in votes if vote.arm == arm]
    sums = (sum(getattr(vote, name) for vote in own) for name in ("up", "corrected", "refused"))
    return Count(len(own), *sums)


def compare(split: Split, votes: Sequence[Vote]) -> Verdict:
    """Return what the votes show. Of each conversation the first one counts: later ones are not independent of it."""
    first: dict[str, Vote] = {}
    for vote in votes:
        first.setdefault(vote.conversation, vote)
    return judge(vote_differences(((vote.arm, float(vote.up)) for vote in first.values()), split.share))


def sentence(split: Split, verdict: Verdict) -> str:
    """Return the verdict in words."""
    interval = f"{verdict.difference:+.2f} thumbs up an answer, between {verdict.low:+.2f} and {verdict.high:+.2f}"
    facts = f"{split.b} against {split.a}: {interval} ({verdict.pairs} pairs of conversations)"
    if not verdict.better:
        return f"not yet decided; {facts}"
    return f"{split.name(verdict.better)} is better (wrong in at most {ALPHA:.0%} of such tests); {facts}"


def describe_split(index: Path, split: Split) -> Iterator[str]:
    """Yield lines that say how a split stands, or how it ended."""
    when = f"from {split.begun} to {split.ended}" if split.ended else f"since {split.begun}"
    yield f"split {when}: {split.a} answers {1 - split.share:.0%} of the conversations, {split.b} {split.share:.0%}"
    votes = split_votes(index, split.id)
    for arm in ARMS:
        counts = count(votes, arm)
        told = f"{counts.up} thumbs up of {counts.votes}, {counts.corrected} corrections, {counts.refused} refusals"
        yield f"  {split.name(arm)}: {told}"
    yield f"  {sentence(split, compare(split, votes))}"
