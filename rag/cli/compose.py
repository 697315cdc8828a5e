"""`rag adapters --compose`: one adapter made of several."""

from __future__ import annotations

import argparse

from rag.core.errors import ModelError
from rag.core.sections import ModelSettings
from rag.core.settings import Settings


def compose(args: argparse.Namespace, settings: Settings) -> None:
    """Combine the adapters that are named and write the result to `--out`."""
    from rag.models.adapters import read_identity
    from rag.models.causal_lm import load_base
    from rag.models.compose import check_composable, compose_adapters
    from rag.models.device import choose_device
    from rag.models.resolve import find_model

    if args.out is None:
        raise ModelError("--compose writes a new adapter: --out FOLDER says where")
    weights = args.weights or [1.0 if args.how == "cat" else 1 / len(args.compose)] * len(args.compose)
    check_composable(args.compose, weights, args.how)
    models, identity = settings.section(ModelSettings), read_identity(args.compose[0])
    model = find_model(models.generator, models.hub)
    if identity["base"] != model.digest:
        raise ModelError(f"{args.compose[0]} was trained on {identity['base_name']}: --set model.generator=...")
    device, precision = choose_device(models.device, identity["precision"])
    compose_adapters(load_base(model, device, precision)[1], args.compose, weights, args.how, args.density, args.out)
    print(f"{args.out}: try it with rag ask --adapter {args.out}, or rag adapters --split {args.out}")
