"""`rag adapters --split` and `--end-split`: two generators of the server, compared on people's verdicts."""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.core.settings import Settings
from rag.models import registry
from rag.server.state.feedback import split_votes
from rag.server.state.splits import Split, begin_split, end_split, read_split
from rag.server.trial.outcome import compare, describe_split, sentence
from rag.server.work.generators import LIVE, Choice, Generators


def begin(args: argparse.Namespace, settings: Settings) -> None:
    """Let another generator answer a share of the conversations with the server."""
    from rag.factory import open_generator

    generators, folder = Generators(settings, args.index), Path(args.split)
    if adapter := folder if folder.is_dir() else generators.resolve(args.split).adapter:
        open_generator(settings, adapter)  # who asks the server must not be the first to see that it does not fit
    tried = generators.resolve(_kept(args.index, folder) if folder.is_dir() else args.split)
    before = generators.resolve(_lasting(generators.resolve()))  # which the server must find by its name, too
    split = begin_split(args.index, before.name, _lasting(tried), args.share)
    show(args.index, split)


def end(args: argparse.Namespace) -> None:
    """End the split; the adapter that was tried goes live where it is shown to be better."""
    split = end_split(args.index)
    show(args.index, split)
    verdict = compare(split, split_votes(args.index, split.id))
    tried = {folder.name: folder for folder in registry.kept_weights(args.index)}.get(split.b)
    said = sentence(split, verdict)
    if verdict.better == "b" and tried:
        registry.set_live(args.index, {"generator": registry.Promotion(tried, said)})
        print(f"generator: live, {tried}; rag adapters --rollback undoes it")
    registry.record_verdicts(args.index, {"generator": f"split of {split.begun}: {said}"})


def show(index: Path, split: Split | None = None) -> None:
    """Print how a split stands; the one that runs or ended last, if none is given and there was one."""
    if split := split or read_split(index):
        print("\n".join(describe_split(index, split)))


def _kept(index: Path, folder: Path) -> str:
    """Copy an adapter to the index, so that the server knows it and it outlives its run; return its name there."""
    digest = registry.weights_digest("generator", folder)
    return registry.keep_weights(index, folder, f"tried-generator-{digest}").name


def _lasting(choice: Choice) -> str:
    """Return a name that means the same after a promotion."""
    return choice.adapter.name if choice.name == LIVE and choice.adapter else choice.name
