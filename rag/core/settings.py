"""Settings: frozen dataclasses beside the code that uses them, overridden by `ragtune.toml` and by `--set section.key=value`."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import tomllib
from pathlib import Path
from typing import TypeVar

from rag.core.errors import SettingsError

SECTIONS = ("model", "documents", "chunk", "retrieval", "answer", "prefix", "mine", "endpoint", "sft", "dpo")
FILE = Path("ragtune.toml")

T = TypeVar("T")


class Settings:
    """The user's overrides, by section. `section(name, cls)` turns one into a frozen dataclass.

    Raises SettingsError on an unknown section or key, naming the nearest valid one.
    """

    def __init__(self, overrides: list[str] | None = None, file: Path = FILE):
        self._values: dict[str, dict[str, object]] = {}
        if file.exists():
            self._read_file(file)
        for item in overrides or []:
            self._read_override(item)

    def _read_file(self, file: Path) -> None:
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not valid TOML: {error}") from error
        for section, values in data.items():
            _check(section, SECTIONS, "section")
            if not isinstance(values, dict):
                raise SettingsError(f"{file}: {section} must be a table, as in [{section}]")
            self._values.setdefault(section, {}).update(values)

    def but(self, item: str) -> Settings:
        """-> these settings with one more override, section.key=value."""
        changed = copy.deepcopy(self)
        changed._read_override(item)
        return changed

    @property
    def overrides(self) -> list[str]:
        """-> section.key=value of all that the user has set, by file or command line, in an order that does not depend on where."""
        return sorted(
            f"{section}.{key}={value}" for section, values in self._values.items() for key, value in values.items()
        )

    def _read_override(self, item: str) -> None:
        name, equals, value = item.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (equals and dot and key):
            raise SettingsError(f"--set takes section.key=value, not {item!r}")
        _check(section, SECTIONS, "section")
        self._values.setdefault(section, {})[key] = value.strip()

    def section(self, name: str, cls: type[T]) -> T:
        """-> an instance of the dataclass `cls`, its defaults overridden by the values of section `name`."""
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        values = {}
        for key, value in self._values.get(name, {}).items():
            _check(key, tuple(fields), f"setting in section {name}")
            values[key] = _convert(f"{name}.{key}", value, fields[key].default)
        return cls(**values)


def _check(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0)
        raise SettingsError(f"no {what} is called {name!r}; the nearest is {near[0]!r}, all are {', '.join(known)}")


def _convert(name: str, value: object, default: object) -> object:
    if isinstance(default, bool):
        if str(value).lower() in ("true", "false", "1", "0"):
            return str(value).lower() in ("true", "1")
        raise SettingsError(f"{name} is true or false, not {value!r}")
    try:
        return type(default)(str(value))  # type: ignore[call-arg] # by way of str, as --set gives it: int(2.7) would be 2
    except ValueError as error:
        raise SettingsError(f"{name} takes a {type(default).__name__}, not {value!r}") from error
