"""A split: two generators that share the conversations, so that people's verdicts show which one is better."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rag.core.errors import StoreError
from rag.core.jsonl import json_object
from rag.server.state.feedback import now
from rag.server.state.folder import make_private, state_folder
from rag.server.state.recent import Assigned

FILE = "split.json"
ARMS = ("a", "b")


@dataclass(frozen=True)
class Split:
    """Which generators are compared.

    a, b: names of what answered before and of what is tried. share: of the conversations that `b` answers. begun,
    ended: UTC; `ended` is "" while it runs.
    """

    id: str
    a: str
    b: str
    share: float
    begun: str
    ended: str = ""

    def assign(self, conversation: str) -> Assigned:
        """Return the arm that answers a conversation, always the same one. conversation: what tells it from others."""
        digest = hashlib.sha256(f"{self.id}\n{conversation}".encode("utf-8", "replace")).hexdigest()
        return Assigned(self.id, ARMS[int(digest[:12], 16) < self.share * 16**12], digest[:16])

    def name(self, arm: str) -> str:
        """Return the name of an arm's generator."""
        return self.a if arm == ARMS[0] else self.b


def read_split(index: Path) -> Split | None:
    """Return the split that runs or the one that ended last, None if there was none.

    Raises StoreError when the file can't be read.
    """
    path = state_folder(index) / FILE
    if not path.exists():
        return None
    try:
        return Split(**json_object(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path} can't be read ({error}): delete it, and begin another split") from error


def running_split(index: Path) -> Split | None:
    """Return the split that runs, None if none does. Raises StoreError as `read_split` does."""
    split = read_split(index)
    return split if split and not split.ended else None


def begin_split(index: Path, a: str, b: str, share: float) -> Split:
    """Let `b` answer a share of the conversations from now on. Raises StoreError where that is no split."""
    require_split(index, a, b, share)
    return _write(index, Split(secrets.token_hex(4), a, b, share, now()))


def require_split(index: Path, a: str, b: str, share: float) -> None:
    """Raise StoreError where `begin_split` would."""
    if running := running_split(index):
        raise StoreError(f"{running.a} and {running.b} are being compared: rag adapters --end-split")
    if a == b:
        raise StoreError(f"{a} answers already: name another generator")
    if not 0 < share < 1:
        raise StoreError(f"the share of {b} lies between 0 and 1, not at {share}: rag adapters --split {b} --share 0.5")


def end_split(index: Path) -> Split:
    """Let what answers by default answer all conversations again, and return the split that ended.

    Raises StoreError where none runs.
    """
    running = running_split(index)
    if not running:
        raise StoreError("no split runs: rag adapters --split NAME begins one")
    return _write(index, replace(running, ended=now()))


def _write(index: Path, split: Split) -> Split:
    path = make_private(state_folder(index)) / FILE
    aside = path.with_name(f".{FILE}.{os.getpid()}")
    aside.write_text(json.dumps(asdict(split)), encoding="utf-8")
    aside.rename(path)
    return split
