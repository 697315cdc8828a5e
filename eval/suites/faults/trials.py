"""One trial: a stage under a fault, what it said, what was lost, and whether the next run goes on."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.suites.faults import kinds
from eval.suites.faults.commands import Ended, start
from eval.suites.faults.stages import Stage, judge
from rag.cli.unforeseen import FAULT
from rag.core.errors import RagtuneError

FINE, NAMED, KILLED = "done", "named error", "killed"  # how a command may end under a fault
BAD = ("traceback", "unnamed error", "crashed", "hung", "lost", "stuck", "other result")  # and how none may
FAULTS = (
    "killed",
    "file limit",
    "full disk",
    "out of memory",
    "truncated",
    "bit flipped",
    "clock back",
    "read-only",
    "two writers",
)


@dataclass(frozen=True)
class Trial:
    """What became of a trial. outcome: of FINE, NAMED, KILLED or BAD. detail: what was done, and what was said."""

    stage: str
    fault: str
    outcome: str
    detail: str


@dataclass
class Workplace:
    """Where a stage is tried: its beginning is kept aside, and what it makes undisturbed is known.

    work: the folder in which commands run, always the same. seconds: that the stage takes undisturbed.
    """

    stage: Stage
    work: Path
    seconds: float = 0.0
    expected: Any = None
    _states: dict[str, Path] = field(default_factory=dict)

    def prepare(self) -> None:
        """Do what comes before the stage, and the stage itself once."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        for words in self.stage.before:
            if words == ("judge",):
                judge(self.work)
            else:
                _require(start(words, self.work).wait())
        self._keep("before")
        ended = start(self.stage.command, self.work).wait()
        _require(ended)
        self.seconds, self.expected = ended.seconds, self.stage.made(self.work)
        self._keep("after")

    def _keep(self, state: str) -> None:
        self._states[state] = self.work.with_name(f"{self.stage.name}-{state}")
        shutil.rmtree(self._states[state], ignore_errors=True)
        shutil.copytree(self.work, self._states[state], symlinks=True)

    def begin(self, state: str) -> None:
        """Put back the state "before" or "after" the stage."""
        shutil.rmtree(self.work)
        self.work.with_name("accepted.txt").unlink(missing_ok=True)
        shutil.copytree(self._states[state], self.work, symlinks=True)

    def try_fault(self, fault: str, draw: random.Random) -> Trial:
        """Let the stage meet a fault, then run again without it."""
        damages = fault in ("truncated", "bit flipped")
        self.begin("after" if damages else "before")
        done, ended = _FAULTS[fault](self, draw)
        detail = f"{done}: {ended.error or ended.printed.strip()[-300:]}" if ended.status else done
        outcome = _said(ended)
        if outcome in BAD:
            return Trial(self.stage.name, fault, outcome, detail)
        return self._afterwards(fault, outcome, detail, damages)

    def _afterwards(self, fault: str, outcome: str, detail: str, damaged: bool) -> Trial:
        lost = self.stage.whole(self.work)
        if damaged and (outcome == NAMED or lost):  # what mends it is in the error
            return Trial(self.stage.name, fault, NAMED, f"{detail} {lost}")
        if lost:
            return Trial(self.stage.name, fault, "lost", f"{detail}: {lost}")
        again = start(self.stage.again, self.work).wait()
        if _said(again) != FINE:
            return Trial(self.stage.name, fault, "stuck", f"{detail}; again: {again.printed.strip()[-1500:]}")
        try:
            same = self.stage.made(self.work) == self.expected
        except (OSError, RagtuneError, ValueError) as error:
            return Trial(self.stage.name, fault, "lost", f"{detail}: {error}")
        return Trial(self.stage.name, fault, outcome if same else "other result", detail)


def _require(ended: Ended) -> None:
    if _said(ended) != FINE:
        raise RuntimeError(f"a stage fails without a fault: {ended.printed[-3000:]}")


def _said(ended: Ended) -> str:
    """Return how a command ended, by what a person sees of it."""
    if ended.status is None:
        return "hung"
    if "Traceback (most recent call last)" in ended.printed:
        return "traceback"
    if ended.status in (0, 3):
        return FINE
    if ended.status == -9:
        return KILLED
    if FAULT in ended.error:
        return "unnamed error"
    return NAMED if ended.status == 1 and ended.error else "crashed"


Tried = tuple[str, Ended]


def _killed(place: Workplace, draw: random.Random) -> Tried:
    moment = draw.uniform(0, place.seconds)
    running = start(place.stage.command, place.work)
    while not (ended := running.ended()):
        if time.monotonic() - running.began >= moment:
            running.kill()
        time.sleep(0.002)
    return f"killed after {moment:.2f} s", ended


def _limited(place: Workplace, draw: random.Random) -> Tried:
    room = int(10 ** draw.uniform(4.6, 6))  # what it prints is a file, too
    return f"files of {room:,} bytes at most", start(place.stage.command, place.work, kinds.out_of_disk(room)).wait()


def _full_disk(place: Workplace, draw: random.Random) -> Tried:
    room = int(10 ** draw.uniform(3, 6))
    return _inside(place, kinds.small_disk(place.work, room), f"{room:,} bytes left on the disk")


def _out_of_memory(place: Workplace, draw: random.Random) -> Tried:
    room = int(10 ** draw.uniform(5, 8.3))
    ended = start(place.stage.command, place.work, kinds.out_of_memory(room)).wait()
    return f"{room:,} bytes of memory more", ended


def _damaged(how: Callable[[Path, random.Random], str]) -> Callable[[Workplace, random.Random], Tried]:
    def tried(place: Workplace, draw: random.Random) -> Tried:
        done = how(draw.choice(kinds.files_of(place.work, place.stage.damaged)), draw)
        return done, start(place.stage.again, place.work).wait()

    return tried


def _clock_back(place: Workplace, draw: random.Random) -> Tried:
    return "a year ago", start(place.stage.command, place.work, kinds.clock_set_back).wait()


def _read_only(place: Workplace, draw: random.Random) -> Tried:
    return _inside(place, kinds.read_only(place.work), "folder read-only")


def _inside(place: Workplace, around: AbstractContextManager[None], what: str) -> Tried:
    with around:
        return what, start(place.stage.command, place.work).wait()


def _two_writers(place: Workplace, draw: random.Random) -> Tried:
    first = start(place.stage.command, place.work)
    time.sleep(draw.uniform(0, place.seconds / 2))
    with nullcontext(start(place.stage.command, place.work)) as second:
        ended = [first.wait(), second.wait()]
    worst = max(ended, key=lambda each: (_said(each) in BAD, _said(each) != FINE))
    return f"two at once: {', '.join(map(_said, ended))}", worst


_FAULTS: dict[str, Callable[[Workplace, random.Random], Tried]] = {
    "killed": _killed,
    "file limit": _limited,
    "full disk": _full_disk,
    "out of memory": _out_of_memory,
    "truncated": _damaged(kinds.truncate),
    "bit flipped": _damaged(kinds.flip_a_bit),
    "clock back": _clock_back,
    "read-only": _read_only,
    "two writers": _two_writers,
}
