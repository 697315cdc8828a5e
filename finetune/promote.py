"""A new adapter goes live only when the paired test on development questions says that it is better."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from finetune.data import Stage, write_lines
from rag.pipeline import LIVE


def promote(verdict: Stage) -> None:
    """Read the development evaluation's verdict; copy the winner to var/adapters and make it live, or keep what is live and say so."""
    found = verdict.receipt()
    if not found["promote"]:
        print(f"kept: {found['sentence']}")
        return
    source = Path(found["adapter"])
    target = LIVE.parent / f"{verdict.run}-{found['winner']}-{found['weights']}"
    if not target.exists():
        aside = target.with_name(f".{target.name}")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(source, aside)
        aside.rename(target)
    write_lines(LIVE, [{"adapter": str(target), "why": found["sentence"]}])
    print(f"live: {target}: {json.dumps(found['sentence'], ensure_ascii=False)}")
