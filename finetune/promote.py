"""A trained component goes live only when the paired test on development questions says that it is better."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag.core.errors import TrainingError
from rag.core.run_folder import Stage
from rag.core.settings import Settings
from rag.factory import reembed_if_needed
from rag.models import registry


def promote_run(judged: Stage, settings: Settings, index: Path) -> None:
    """Read attribution's verdicts; copy what was shown to be better to var/adapters and make it live, in one step that one rollback undoes; keep the rest.
    A new embedder then reads the passages of the index anew, which goes on with the former's until that is done."""
    if not judged.finished:
        raise TrainingError(f"run {judged.run} is not judged yet: python -m eval attribution --run {judged.run}")
    verdicts = judged.result()["verdicts"]
    new = {
        name: registry.Promotion(str(_kept(judged.run, name, v)), f"{judged.run}: {v['sentence']}")
        for name, v in verdicts.items()
        if v["promote"]
    }
    if new:
        registry.set_live(new)
    registry.record_verdicts(
        {
            name: f"{judged.run}: {'promoted' if v['promote'] else 'kept what was live'}: {v['sentence']}"
            for name, v in verdicts.items()
        }
    )
    for name, verdict in verdicts.items():
        print(f"{name}: {f'live, {new[name].folder}' if name in new else 'kept'}: {verdict['sentence']}")
    if "embedder" in new:
        reembed_if_needed(settings, index)


def _kept(run: str, name: str, verdict: dict) -> Path:
    """-> a copy that outlives the run, named by its weights. Raises TrainingError when they are not those that were judged."""
    target, folder = registry.LIVE.parent / f"{run}-{name}-{verdict['weights']}", Path(verdict["folder"])
    if not target.exists():
        if not folder.exists() or registry.weights_digest(name, folder) != verdict["weights"]:
            raise TrainingError(
                f"{folder} holds other weights than were judged: python -m eval dev --run {run} && python -m eval attribution --run {run}"
            )
        aside = target.with_name(f".{target.name}")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(folder, aside)
        aside.rename(target)
    return target
