"""Promotion: trained weights go live only where the paired test on gate questions says that they are better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.data.split import GATE
from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import reembed_if_needed
from rag.models import registry


def promote_run(judged: Stage, settings: Settings, index: Path) -> None:
    """Make live what the run's attribution found to be better, in one step that one rollback undoes.

    The weights are copied into the index's folder. After a new embedder goes live, the index's passages are embedded
    anew; until that is done questions use the old vectors. Raises TrainingError when the run is not judged yet, or was
    judged before there were gate questions.
    """
    if not judged.finished:
        raise TrainingError(f"run {judged.run} is not judged yet: python -m eval attribution --run {judged.run}")
    result = judged.result()
    if result.get("part") != GATE:
        raise TrainingError(
            f"run {judged.run} was judged on questions that had chosen its weights: "
            f"python -m finetune train --run {judged.run}"
        )
    verdicts = result["verdicts"]
    promoted = {
        name: registry.Promotion(_kept(judged.run, name, verdict, index), f"{judged.run}: {verdict['sentence']}")
        for name, verdict in verdicts.items()
        if verdict["promote"]
    }
    if promoted:
        registry.set_live(index, promoted)
    outcomes = {name: "promoted" if name in promoted else "kept what was live" for name in verdicts}
    sentences = {name: f"{judged.run}: {outcomes[name]}: {verdict['sentence']}" for name, verdict in verdicts.items()}
    registry.record_verdicts(index, sentences)
    for name, verdict in verdicts.items():
        print(f"{name}: {f'live, {promoted[name].folder}' if name in promoted else 'kept'}: {verdict['sentence']}")
    if "embedder" in promoted:
        reembed_if_needed(settings, index)


def _kept(run: str, name: str, verdict: dict[str, Any], index: Path) -> Path:
    """Copy the weights to the index, so that they outlive the run. Raises TrainingError if they were not judged."""
    kept_name, folder = f"{run}-{name}-{verdict['weights']}", Path(verdict["folder"])
    kept = registry.adapters_folder(index) / kept_name
    if kept.exists():
        return kept
    if not folder.exists() or registry.weights_digest(name, folder) != verdict["weights"]:
        judge = f"python -m eval dev --run {run} && python -m eval attribution --run {run}"
        raise TrainingError(f"{folder} holds other weights than were judged: {judge}")
    return registry.keep_weights(index, folder, kept_name)
