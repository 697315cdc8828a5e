"""The sets of questions to evaluate on: the corpus's gold questions, and folders in the bench format."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from eval.runs.evaluation_index import build_index
from rag.core.errors import EvaluationError
from rag.core.run_folder import as_run_name, run_folder
from rag.core.settings import Settings


def index_gold(corpus: Path, settings: Settings) -> tuple[Path, Path]:
    """Index the whole corpus, incoming/ included, and return the run's folder and the file of questions.

    The index is in the folder index/ of the run's folder.
    """
    folder, incoming = run_folder("gold"), corpus / "incoming"
    build_index(settings, folder / "index", [corpus, incoming] if incoming.exists() else [corpus])
    return folder, corpus / "gold.jsonl"


def index_bench(bench: Path, settings: Settings) -> tuple[Path, Path]:
    """Index a bench's documents, and return the run's folder and the file of questions.

    bench: a folder with documents/ and questions.jsonl. Raises EvaluationError where one of them is missing.
    """
    if not (bench / "documents").is_dir() or not (bench / "questions.jsonl").is_file():
        raise EvaluationError(f"{bench} is no bench: a folder documents/ and a file questions.jsonl are expected")
    folder = run_folder(bench_run_name(bench, settings))
    build_index(settings, folder / "index", [bench / "documents"])
    return folder, bench / "questions.jsonl"


def bench_run_name(bench: Path, settings: Settings) -> str:
    """Return a run name that differs for other documents or settings, so that no earlier result is reused wrongly."""
    digest = hashlib.sha256(json.dumps(settings.overrides).encode())
    for path in sorted((bench / "documents").rglob("*")):
        if path.is_file():
            digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return f"bench-{as_run_name(bench.resolve().name)}-{digest.hexdigest()[:8]}"


def train_on_bench(folder: Path, overrides: list[str]) -> None:
    """Mine and train on the documents indexed in the run's folder; a run that was cut off goes on.

    overrides: settings as after --set. Training runs as a command of its own, since eval may not import finetune.
    Raises EvaluationError where the command fails.
    """
    options = [word for item in overrides for word in ("--set", item)]
    run = ["--run", folder.name, "--index", str(folder / "index"), "--resume"]
    command = [sys.executable, "-m", "finetune", *options, "train", *run]
    if subprocess.run(command).returncode:
        raise EvaluationError(f"training failed: {' '.join(command[1:])}")
