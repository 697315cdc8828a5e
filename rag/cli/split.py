"""`rag adapters --split` and `--end-split`: two generators of the server, compared on people's verdicts."""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.core.settings import Settings
from rag.models import registry
from rag.server.state.feedback import split_votes
from rag.server.state.splits import Split, begin_split, end_split, read_split, require_split
from rag.server.trial.outcome import compare, describe_split, sentence
from rag.server.work.generators import LIVE, Choice, Generators


def begin(args: argparse.Namespace, settings: Settings) -> None:
    """Let another generator answer a share of the conversations with the server."""
    from rag.factory import open_generator

    generators, folder = Generators(settings, args.index), Path(args.split)
    own = folder if folder.is_dir() else None  # of a run, which is copied to the index once nothing refuses it
    if adapter := own or generators.resolve(args.split).adapter:
        open_generator(settings, adapter)  # who asks the server must not be the first to see that it does not fit
    tried = _kept_name(own) if own else _lasting(generators.resolve(args.split))
    before = generators.resolve(_lasting(generators.resolve())).name  # which the server must find by its name, too
    require_split(args.index, before, tried, args.share)
    if own:
        registry.keep_weights(args.index, own, tried)
    show(args.index, begin_split(args.index, before, tried, args.share))


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


def _kept_name(folder: Path) -> str:
    """Return an adapter's name in the index, where the server knows it and it outlives its run."""
    return f"tried-generator-{registry.weights_digest('generator', folder)}"


def _lasting(choice: Choice) -> str:
    """Return a name that means the same after a promotion."""
    return choice.adapter.name if choice.name == LIVE and choice.adapter else choice.name
