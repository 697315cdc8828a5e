"""The generators that a request can name, loaded when they are first asked and kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.core.errors import ModelError
from rag.core.sections import PrefixSettings, ServeSettings
from rag.core.settings import Settings
from rag.factory import live_adapter, open_answerer, open_generator, shipped_reader
from rag.models.registry import WEIGHTS_FILE, kept_weights
from rag.server.state.recent import Assigned
from rag.server.state.splits import running_split

if TYPE_CHECKING:
    from rag.answering.answerer import Answerer
    from rag.generation.base_models import BaseModels

DEFAULT, BASE, READER, LIVE = "ragtune", "base", "reader", "live"


@dataclass(frozen=True)
class Choice:
    """What answers: its name, and the folder of its adapter, None for the base model.

    assigned: the arm of a split that it is, None where nothing is compared.
    """

    name: str
    adapter: Path | None
    assigned: Assigned | None = None


class Generators:
    """Generators by name: the default, the base model, the shipped reader, the live adapter, others that are kept.

    They share one base model and its prefix cache; each adapter adds the weights that it changes. What is dropped, or
    no longer the default, still answers the questions that it has begun to answer.
    """

    def __init__(self, settings: Settings, index: Path, adapters: Mapping[str, Path] | None = None):
        """adapters: more adapters, by name. Raises ModelError for a name that means something else."""
        self._settings, self._index, self._named = settings, index, dict(adapters or {})
        self._chosen = ""  # the name that `use` gave to the default
        self._most = settings.section(ServeSettings).models
        self._lock = threading.Lock()
        self._open: OrderedDict[Path | None, Answerer] = OrderedDict()  # the one asked last is the last
        self._bases: BaseModels | None = None
        if taken := {DEFAULT, BASE, READER, LIVE} & self._named.keys():
            raise ModelError(f"{min(taken)!r} is the name of another generator: name the adapter otherwise")

    def names(self) -> list[str]:
        """Return the names that `resolve` knows, the default first."""
        reader = [READER] if shipped_reader(self._settings) else []
        live = [LIVE] if live_adapter(self._index) else []
        return list(dict.fromkeys([DEFAULT, BASE, *reader, *live, *self._adapters()]))

    def _adapters(self) -> dict[str, Path]:
        kept = {folder.name: folder for folder in kept_weights(self._index) if _is_adapter(folder)}
        return {**kept, **self._named}

    def resolve(self, name: str = DEFAULT, conversation: str = "") -> Choice:
        """Return what a name means now. Raises ModelError for one that means nothing.

        conversation: what tells it from others, so that the default is the same arm of a split throughout; "" for what
        no split is about.
        """
        name = self._chosen or name if name == DEFAULT else name
        known = self._known()
        if name == DEFAULT:
            return (conversation and self._arm(conversation, known)) or self._default(known)
        if name not in known:
            raise ModelError(f"no model is called {name!r}: GET /v1/models lists {', '.join(self.names())}")
        return Choice(name, known[name])

    def _known(self) -> dict[str, Path | None]:
        """Return the folders of all generators but the default, by name."""
        known: dict[str, Path | None] = {BASE: None, **self._adapters()}
        reader, live = shipped_reader(self._settings), live_adapter(self._index)
        known |= {LIVE: live} if live else {}
        known |= {READER: reader} if reader else {}
        return known

    def _default(self, known: dict[str, Path | None]) -> Choice:
        name = next(name for name in (LIVE, READER, BASE) if name in known)
        return Choice(name, known[name])

    def _arm(self, conversation: str, known: dict[str, Path | None]) -> Choice | None:
        """Return what answers a conversation by the split, None where none runs or its adapter is gone."""
        split = running_split(self._index)
        if not split:
            return None
        assigned = split.assign(conversation)
        name = split.name(assigned.arm)
        return Choice(name, known[name], assigned) if name in known else None

    def use(self, name: str) -> Choice:
        """Let the default mean this from now on, on this server alone; the default's own name undoes it."""
        choice = self.resolve(name) if name != DEFAULT else None
        self._chosen = choice.name if choice else ""
        return choice or self.resolve()

    def loaded(self) -> list[str]:
        """Return the names of what is in memory."""
        with self._lock:
            opened = set(self._open)
        return [name for name in self.names() if name != DEFAULT and self.resolve(name).adapter in opened]

    def open(self, choice: Choice) -> Answerer:
        """Return what answers, loaded if it is not; of those in memory the one asked longest ago makes room.

        Raises ModelError when it can't be loaded.
        """
        with self._lock:
            if choice.adapter in self._open:
                self._open.move_to_end(choice.adapter)
                return self._open[choice.adapter]
        answerer = self._load(choice.adapter)
        with self._lock:
            self._open[choice.adapter] = answerer
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return answerer

    def _load(self, adapter: Path | None) -> Answerer:
        from rag.generation.base_models import BaseModels

        self._bases = self._bases or BaseModels(self._settings.section(PrefixSettings))
        return open_answerer(self._settings, open_generator(self._settings, adapter, self._bases))

    def drop(self, name: str) -> bool:
        """Take a generator out of memory; return whether it was there. Raises ModelError as `resolve` does."""
        choice = self.resolve(name)
        with self._lock:
            return self._open.pop(choice.adapter, None) is not None


def _is_adapter(folder: Path) -> bool:
    return (folder / WEIGHTS_FILE["generator"]).exists()
