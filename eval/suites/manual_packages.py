"""Fetches the manuals that are asked about: packages of Debian's archive, by version and checksum."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from rag.core.errors import EvaluationError

RECIPE = Path(__file__).parent / "manuals.toml"


@dataclass(frozen=True)
class ManualPackage:
    """A package, and its files that are asked about, as paths below a folder of the package.

    manual: the folder that the files are copied into.
    """

    manual: str
    name: str
    version: str
    sha256: str
    folder: str
    files: tuple[str, ...]


def read_recipe(path: Path = RECIPE) -> list[ManualPackage]:
    """Read which packages and files make the set."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
    return [ManualPackage(**{**entry, "files": tuple(entry["files"])}) for entry in entries]


def fetch_manuals(folder: Path, packages: list[ManualPackage]) -> None:
    """Copy the files of each package into folder/MANUAL/; manuals that are there already are not fetched.

    Raises EvaluationError where apt or dpkg are missing or fail, or a package has another checksum.
    """
    for package in packages:
        target = folder / package.manual
        if all((target / Path(file).name).is_file() for file in package.files):
            continue
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            _unpack(package, work)
            target.mkdir(parents=True, exist_ok=True)
            for file in package.files:
                shutil.copyfile(work / "root" / package.folder / file, target / Path(file).name)


def _unpack(package: ManualPackage, work: Path) -> None:
    _run(["apt-get", "download", f"{package.name}={package.version}"], work)
    archive = next(work.glob("*.deb"))
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise EvaluationError(f"{archive.name} has the SHA-256 {found}, {RECIPE.name} expects {package.sha256}")
    _run(["dpkg", "-x", str(archive), str(work / "root")], work)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise EvaluationError(f"{command[0]} is not installed: the manuals are packages of Debian") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise EvaluationError(f"{' '.join(command)} failed ({reason[0]}): try apt-get update") from error
