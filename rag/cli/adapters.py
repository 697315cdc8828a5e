"""The command about what training has put in place of what ships."""

from __future__ import annotations

import argparse

from rag.core.sections import ModelSettings
from rag.core.settings import Settings
from rag.models import registry


def run_adapters(args: argparse.Namespace, settings: Settings) -> None:
    from rag.factory import needs_reembedding, reembed_if_needed, shipped_reader

    if args.rollback:
        left, now = registry.roll_back()
        for component in sorted(name for name in left if left[name] != now.get(name)):
            print(
                f"{component}: {left[component].folder} -> {now[component].folder if component in now else 'what ships'}"
            )
        reembed_if_needed(settings, args.index)
        return
    models = settings.section(ModelSettings)
    generator = f"{models.generator} with {shipped_reader(settings) or 'no adapter'}, which ships"
    reranker = (
        f"the one that ships, from {models.embedder}"
        if models.cross_encoder == "shipped"
        else models.cross_encoder or "none"
    )
    print("\n".join(registry.describe({"embedder": models.embedder, "reranker": reranker, "generator": generator})))
    if needs_reembedding(settings, args.index):
        print(
            f"{args.index} still answers with the embedder before: rag index FOLDER has its passages read by the live one"
        )
