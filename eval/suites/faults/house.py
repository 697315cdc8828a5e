"""The folder in which faults are tried: a few documents, questions about them, and random models."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from eval.suites.faults.tiny_models import make_embedder, make_generator

QUESTIONS = 8
FOLDERS = ("people", "marina", "heritage")  # of the sample corpus
SMALL = (
    "mine.candidates=120",
    "mine.gate=4",
    "mine.checked=false",
    "mine.written=0",
    "sft.epochs=2",
    "sft.rank=4",
    "dpo.pairs=4",
    "answer.max_new_tokens=8",
    "model.reranker=",
    "model.span_scorer=small",
    "serve.port=0",
)


@dataclass(frozen=True)
class House:
    """Where faults are tried. docs and more: documents; the latter are ingested. bench: questions about the former."""

    folder: Path

    @property
    def docs(self) -> Path:
        """Return the folder of the documents that are indexed."""
        return self.folder / "bench" / "documents"

    @property
    def more(self) -> Path:
        """Return the folder of the documents that are ingested."""
        return self.folder / "more"

    @property
    def bench(self) -> Path:
        """Return the folder with the documents and questions about them."""
        return self.folder / "bench"

    def options(self, package: str) -> list[str]:
        """Return the settings that a package's commands are given."""
        models = [f"model.{name}={self.folder / name}" for name in ("generator", "embedder")]
        chosen = [each for each in SMALL if package != "rag" or each.split(".")[0] not in ("mine", "sft", "dpo")]
        return [word for each in (*models, *chosen) for word in ("--set", each)]


def build_house(folder: Path, corpus: Path) -> House:
    """Make the documents and the models, in a new folder."""
    house = House(folder)
    for name in FOLDERS:
        shutil.copytree(corpus / name, house.docs / name)
    shutil.copytree(corpus / "incoming", house.more)
    with (corpus / "gold.jsonl").open(encoding="utf-8") as file:
        about = [line for line in file if json.loads(line)["document"].split("/")[0] in FOLDERS]
    (house.bench / "questions.jsonl").write_text("".join(about[:QUESTIONS]), encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in sorted(corpus.rglob("*.md"))]
    make_generator(folder / "generator", texts)
    make_embedder(folder / "embedder", texts)
    return house
