"""The folders of runs, `var/runs/RUN/STAGE/`: where they are, whether a stage has finished, and how one is removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from rag.core.errors import SettingsError, TrainingError
from rag.core.jsonl import file_digest, json_object, write_lines

RUNS = Path("var/runs")
LONGEST_NAME = 200  # bytes
_RUN_NAME = re.compile(r"[\w-][\w.-]*")


def run_folder(run: str) -> Path:
    """Return the folder of a run.

    Raises SettingsError where the name is not of letters, digits, dots, dashes and underscores, or starts with a dot:
    stages of a run are removed by its name, which must not lead anywhere else. Also where no file system takes it.
    """
    if not _RUN_NAME.fullmatch(run) or len(run.encode()) > LONGEST_NAME:
        raise SettingsError(f"--run takes a name of letters, digits, '.', '-' and '_', not {run[:99]!r}: --run default")
    return RUNS / run


def people_lock(folder: Path) -> FileLock:
    """Return the lock under which what people say is changed in a run: rows made of feedback, and verdicts on rows.

    Whoever reads these files and writes them anew holds it meanwhile; no one may take it twice. folder: of the run,
    which must be there.
    """
    return FileLock(folder / ".people.lock")


def as_run_name(text: str) -> str:
    """Return a run's name made of any text, such as a folder's name: what names may not contain becomes a dash."""
    return re.sub(r"[^\w.-]", "-", text)


@dataclass(frozen=True)
class Stage:
    """One stage of a run, in the folder var/runs/<run>/<name>/; run.json is written last, so that it means finished.

    Raises SettingsError where run or name would lead to another folder. The name has two parts for imported files:
    "import/questions.csv".
    """

    run: str
    name: str

    def __post_init__(self) -> None:
        run_folder(self.run)
        if any(part in ("", ".", "..") for part in re.split(r"[/\\]", self.name)):
            raise SettingsError(f"{self.name!r} is not the name of a stage")

    @property
    def folder(self) -> Path:
        """Return the stage's folder, which need not be there yet."""
        return run_folder(self.run) / self.name

    @property
    def finished(self) -> bool:
        """Return whether the stage has run to its end."""
        return (self.folder / "run.json").exists()

    def result(self) -> dict[str, Any]:
        """Read what the stage wrote when it finished. Raises TrainingError when it has not finished."""
        if not self.finished:
            raise TrainingError(f"{self.folder} is not finished: python -m finetune {self.name} --run {self.run}")
        path = self.folder / "run.json"
        try:
            return json_object(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            remedy = f"python -m finetune {self.name} --run {self.run}"
            raise TrainingError(f"{path} cannot be read ({error}); to do the stage anew: {remedy}") from error

    def finish(self, result: dict[str, Any], files: Iterable[str] = ()) -> None:
        """Write the stage's result, which marks it as finished.

        files: names of files of its folder, whose digests are kept with it, for `require_unchanged`.
        """
        kept = {"files": {name: file_digest(self.folder / name) for name in files}} if files else {}
        write_lines(self.folder / "run.json", [{**result, **kept}])

    def require_unchanged(self, name: str) -> None:
        """Raise TrainingError where a file whose digest was kept is not as it was when the stage finished."""
        kept = self.result().get("files", {}) if self.finished else {}
        path = self.folder / name
        if name in kept and (not path.exists() or file_digest(path) != kept[name]):
            remedy = f"python -m finetune {self.name.split('/')[0]} --run {self.run}"
            raise TrainingError(f"{path} is damaged, or was changed since it was made; to make it anew: {remedy}")

    def require_whole(self) -> None:
        """Raise TrainingError where any file whose digest was kept is not as it was when the stage finished."""
        for name in self.result().get("files", {}):
            self.require_unchanged(name)

    def clear(self) -> None:
        """Remove the stage's folder and all that is in it.

        Raises TrainingError where the folder is reached through a symbolic link, or cannot be removed.
        """
        inside = RUNS.resolve() / self.run / self.name
        if self.folder.resolve() != inside:
            raise TrainingError(f"{self.folder} is a symbolic link to elsewhere, and is not removed: unlink it first")
        try:
            shutil.rmtree(inside)
        except FileNotFoundError:
            return
        except OSError as error:
            raise TrainingError(f"{self.folder} cannot be removed: {error}") from error
