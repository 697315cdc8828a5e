"""A trained component goes live only when the paired test on development questions says that it is better."""

from __future__ import annotations

from pathlib import Path

from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import reembed_if_needed
from rag.models import registry


def promote_run(judged: Stage, settings: Settings, index: Path) -> None:
    """Read attribution's verdicts; copy what was shown to be better to the index and make it live, in one step that one rollback undoes; keep the rest.
    A new embedder then reads the passages of the index anew, which goes on with the former's until that is done."""
    if not judged.finished:
        raise TrainingError(f"run {judged.run} is not judged yet: python -m eval attribution --run {judged.run}")
    verdicts = judged.result()["verdicts"]
    new = {
        name: registry.Promotion(_kept(judged.run, name, v, index), f"{judged.run}: {v['sentence']}")
        for name, v in verdicts.items()
        if v["promote"]
    }
    if new:
        registry.set_live(index, new)
    registry.record_verdicts(
        index,
        {
            name: f"{judged.run}: {'promoted' if v['promote'] else 'kept what was live'}: {v['sentence']}"
            for name, v in verdicts.items()
        },
    )
    for name, verdict in verdicts.items():
        print(f"{name}: {f'live, {new[name].folder}' if name in new else 'kept'}: {verdict['sentence']}")
    if "embedder" in new:
        reembed_if_needed(settings, index)


def _kept(run: str, name: str, verdict: dict, index: Path) -> Path:
    """Copy the weights to the index, so that they outlive the run. Raises TrainingError if they were not judged."""
    kept_name, folder = f"{run}-{name}-{verdict['weights']}", Path(verdict["folder"])
    kept = registry.adapters_folder(index) / kept_name
    if kept.exists():
        return kept
    if not folder.exists() or registry.weights_digest(name, folder) != verdict["weights"]:
        judge = f"python -m eval dev --run {run} && python -m eval attribution --run {run}"
        raise TrainingError(f"{folder} holds other weights than were judged: {judge}")
    return registry.keep_weights(index, folder, kept_name)
