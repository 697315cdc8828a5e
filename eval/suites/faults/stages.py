"""The stages that faults are tried on: what each begins with, its command, and what it has to have made at the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.suites.faults.house import House
from eval.suites.faults.serving import PLAY
from rag.core.errors import RagtuneError
from rag.index.store import STORE_FILE, DocumentStore
from rag.models.registry import WEIGHTS_FILE, history, weights_digest

INDEX, RUN = Path("var/index"), Path("var/runs/default")
Command = tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """One stage.

    before: the commands that lead to its beginning. command: what is done to fail. again: what is typed afterwards.
    made: what it has made in a working folder, to be compared with what it makes undisturbed. whole: what is wrong with
    what was committed there, "" for nothing. damaged: patterns of files that are truncated, or get a bit flipped.
    """

    name: str
    before: tuple[Command, ...]
    command: Command
    again: Command
    made: Callable[[Path], Any]
    whole: Callable[[Path], str]
    damaged: tuple[str, ...]


def stages(house: House) -> list[Stage]:
    """Return all stages."""

    def rag(*words: str) -> Command:
        return ("rag", *house.options("rag"), *words)

    def finetune(*words: str) -> Command:
        return ("finetune", *house.options("finetune"), *words)

    index, ingest = rag("index", str(house.docs)), rag("ingest", str(house.more))
    mine, train = finetune("mine"), finetune("sft")
    evaluate = ("eval", *house.options("rag"), "bench", str(house.bench), "--generators", "base")
    of_index = "var/index/*.*"
    serve = (PLAY, str(house.more), *rag("serve", "--quiet"))
    return [
        Stage("index", (), index, index, documents, index_is_whole, (of_index,)),
        Stage("ingest", (index,), ingest, ingest, documents, index_is_whole, (of_index,)),
        Stage("mine", (index,), mine, (*mine, "--resume"), rows, index_is_whole, (of_index, "var/runs/*/mine/*")),
        Stage("train", (index, mine), train, (*train, "--resume"), adapter, no_fault, ("var/runs/*/*/**/*",)),
        Stage("eval", (), evaluate, evaluate, figures, no_fault, ("var/runs/*/**/*",)),
        Stage(
            "promote",
            (index, mine, train, ("judge",)),
            ("finetune", "promote"),
            ("finetune", "promote"),
            live,
            live_is_whole,
            ("var/index/adapters/**/*", "var/runs/default/attribution/*", "var/runs/default/sft/adapter/*"),
        ),
        Stage("serve", (index,), serve, serve, documents, index_is_whole, (of_index, "var/index/server/*.*")),
    ]


def documents(folder: Path) -> Any:
    """Return the chunks of an index by document."""
    if not (folder / INDEX / STORE_FILE).exists():
        return {}
    store = DocumentStore(folder / INDEX, {})
    found: dict[str, list[tuple[int, int, str]]] = {id: [] for id in store.documents()}
    for chunk in store.all_chunks():
        found[chunk.document].append((chunk.start, chunk.end, chunk.text))
    store.close()
    return found


def index_is_whole(folder: Path) -> str:
    """Say what is wrong with an index: it can't be opened, is damaged, or has a document without chunks."""
    try:
        if not (folder / INDEX / STORE_FILE).exists():
            return ""
        store = DocumentStore(folder / INDEX, {})
        damage = store.damage()
        store.close()
        hollow = [id for id, chunks in documents(folder).items() if not chunks]
        return "; ".join([*damage, *(f"{id} has no chunks" for id in hollow)])
    except RagtuneError as error:
        return "" if "is not finished" in str(error) else str(error)


def rows(folder: Path) -> Any:
    """Return the mined rows of each part."""
    return {part: (folder / RUN / "mine" / f"{part}.jsonl").read_bytes() for part in ("train", "dev", "gate")}


def adapter(folder: Path) -> Any:
    """Return the digest of the trained weights."""
    return hashlib.sha256((folder / RUN / "sft" / "adapter" / WEIGHTS_FILE["generator"]).read_bytes()).hexdigest()


def figures(folder: Path) -> Any:
    """Return the figures of the evaluation."""
    (found,) = (folder / "var" / "runs").glob("*/predictions/run.json")
    return found.read_bytes()


def live(folder: Path) -> Any:
    """Return the weights that serve, and how many states there were."""
    states = history(folder / INDEX)
    return [(name, weights_digest(name, each.folder)) for state in states for name, each in state.items()]


def live_is_whole(folder: Path) -> str:
    """Say what is wrong with the weights that serve."""
    try:
        live(folder)
    except (OSError, RagtuneError) as error:
        return str(error)
    return ""


def no_fault(folder: Path) -> str:
    """Say that there is nothing committed but what `made` compares."""
    return ""


def judge(folder: Path) -> None:
    """Write the outcome of a test that the trained adapter has won, in place of `python -m eval attribution`."""
    trained = Path("var/runs/default/sft/adapter")
    verdict = {
        "promote": True,
        "sentence": "better",
        "folder": str(trained),
        "weights": weights_digest("generator", folder / trained),
    }
    judged = folder / RUN / "attribution" / "run.json"
    judged.parent.mkdir(parents=True)
    judged.write_text(json.dumps({"part": "gate", "verdicts": {"generator": verdict}}), encoding="utf-8")
