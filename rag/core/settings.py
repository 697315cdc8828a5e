"""The user's settings: sections of `ragtune.toml`, overridden by `--set section.key=value`, all checked at once."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rag.core.errors import SettingsError
from rag.core.sections import KIND_NAMES, SECTIONS, SettingsSection

FILE = Path("ragtune.toml")
# Sections of finetune, which `rag` accepts without a check: it does not know their keys.
TRAINING = ("mine", "sft", "dpo")
RENAMED = {"mine.in_place": "mine.cloze", "mine.joined": "mine.multihop", "mine.voices": "mine.query_styles"}

Section = TypeVar("Section", bound=SettingsSection)


class Settings:
    """The user's values of all sections; `section(cls)` returns one of them as a frozen dataclass."""

    def __init__(
        self,
        overrides: Sequence[str] | None = None,
        file: Path = FILE,
        extra: Mapping[str, type[SettingsSection]] | None = None,
    ):
        """Read the file, where there is one, then the overrides, and check every known section.

        overrides: "section.key=value", as after --set. extra: sections beyond those of `rag`, by name. Raises
        SettingsError for an unknown section or key, naming the nearest one, and for a value that its key does not take.
        """
        self._classes = {**SECTIONS, **(extra or {})}
        self._values: dict[str, dict[str, object]] = {}
        if file.exists():
            self._read_file(file)
        for item in overrides or []:
            self._read_override(item)
        self._check_all()

    def _read_file(self, file: Path) -> None:
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{file} can't be read ({error.strerror}): check its permissions") from error
        except (ValueError, RecursionError) as error:  # also numbers of too many digits, and tables too deep
            raise SettingsError(f"{file} is not valid TOML: {error}") from error
        for section, values in data.items():
            self._require_section(section)
            if not isinstance(values, dict):
                raise SettingsError(f"{file}: {section} must be a table, as in [{section}]")
            self._values.setdefault(section, {}).update(values)

    def _read_override(self, item: str) -> None:
        name, equals, value = item.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (equals and dot and key):
            raise SettingsError(f"--set takes section.key=value, not {item!r}")
        self._require_section(section)
        self._values.setdefault(section, {})[key] = value.strip()

    def _require_section(self, name: str) -> None:
        _require_known(name, tuple(dict.fromkeys([*self._classes, *TRAINING])), "section")

    def _check_all(self) -> None:
        for name in self._values:
            if name in self._classes:
                self.section(self._classes[name])

    def but(self, item: str) -> Settings:
        """Return a copy of these settings with one more override, section.key=value."""
        changed = copy.deepcopy(self)
        changed._read_override(item)
        changed._check_all()
        return changed

    @property
    def overrides(self) -> list[str]:
        """Return section.key=value of all that the user has set, sorted, wherever it was set."""
        return sorted(
            f"{section}.{key}={value}" for section, values in self._values.items() for key, value in values.items()
        )

    def section(self, cls: type[Section]) -> Section:
        """Return the section that the dataclass `cls` describes: its defaults, overridden by the user's values."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        values = {}
        for key, value in self._values.get(cls.section, {}).items():
            name = f"{cls.section}.{key}"
            if key not in fields and name in RENAMED:
                raise SettingsError(f"{name} is called {RENAMED[name]} now")
            _require_known(key, tuple(fields), f"setting in section {cls.section}")
            values[key] = _convert(name, value, type(fields[key].default))
        return cls(**values)


def _require_known(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0)
        raise SettingsError(f"no {what} is called {name!r}; the nearest is {near[0]!r}, all are {', '.join(known)}")


def _convert(name: str, value: object, kind: type) -> object:
    """Convert a value by way of its text, as --set gives it, since int(2.7) would silently be 2."""
    if kind is bool:
        if str(value).lower() in ("true", "false", "1", "0"):
            return str(value).lower() in ("true", "1")
        raise SettingsError(f"{name} is true or false, not {value!r}")
    if kind is str:
        return str(value)
    try:
        return kind(str(value))
    except ValueError as error:
        raise SettingsError(f"{name} is {KIND_NAMES[kind]}, not {value!r}") from error
