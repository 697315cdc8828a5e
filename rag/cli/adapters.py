"""`rag adapters`: which trained weights an index uses in place of the shipped ones."""

from __future__ import annotations

import argparse

from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models import registry

SHIPPED = "the shipped one"


def run_adapters(args: argparse.Namespace, settings: Settings) -> None:
    """Print what is live and why and how a split stands, roll back, begin or end a split, or compose adapters."""
    from rag.cli import split
    from rag.factory import needs_reembedding

    if args.rollback:
        _roll_back(args, settings)
        return
    if args.split:
        split.begin(args, settings)
        return
    if args.compose:
        from rag.cli.compose import compose

        compose(args, settings)
        return
    if args.end_split:
        split.end(args)
        return
    print("\n".join(registry.describe(args.index, _shipped(settings))))
    if needs_reembedding(settings, args.index):
        print(f"{args.index} still uses the previous embedder: rag index FOLDER embeds its passages with the live one")
    split.show(args.index)


def _roll_back(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import reembed_if_needed

    before, now = registry.roll_back(args.index)
    for component in sorted(name for name in before if before[name] != now.get(name)):
        after = now[component].folder if component in now else SHIPPED
        print(f"{component}: now {after}, before {before[component].folder}")
    reembed_if_needed(settings, args.index)


def _shipped(settings: Settings) -> dict[str, str]:
    """Return what serves where nothing was promoted, by component."""
    from rag.encoder_factory import reranker_name
    from rag.factory import shipped_reader

    models = settings.section(ModelSettings)
    reader = shipped_reader(settings)
    generator = f"{models.generator} with {f'the shipped reader {reader}' if reader else 'no adapter'}"
    return {"embedder": models.embedder, "reranker": reranker_name(models), "generator": generator}
