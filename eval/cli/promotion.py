"""The commands that compare what a run has trained with what is live."""

from __future__ import annotations

import argparse

from eval.cli.output import show
from rag.core.settings import Settings


def run_dev(args: argparse.Namespace, settings: Settings) -> None:
    """Compare the adapters of a run's stages on its development questions."""
    from eval.promotion.stages import compare_stages

    compare_stages(settings, args.run, args.index)


def run_attribution(args: argparse.Namespace, settings: Settings) -> None:
    """Test each trained part of a run, and print whether it should be promoted."""
    from eval.promotion.attribution import attribute
    from eval.promotion.verdicts import as_text

    result = attribute(settings, args.run, args.index)
    show(args.json, result, as_text(result))
