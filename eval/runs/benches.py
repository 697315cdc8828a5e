"""The sets of questions to evaluate on: the corpus's gold questions, benches, and people's own labels."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from eval.runs.evaluation_index import build_index
from eval.runs.evidence_places import evidence_as_read
from eval.runs.own_labels import read_own_questions
from eval.runs.questions import Question, is_bench_format, question_fields, read_questions, sample_of
from rag.core.errors import EvaluationError
from rag.core.jsonl import write_lines
from rag.core.run_folder import as_run_name, run_folder
from rag.core.sections import DocumentSettings
from rag.core.settings import Settings
from rag.documents.discovery import find_files
from rag.labels.held_out import held_out
from rag.labels.label_file import listed, read_label_file
from rag.labels.passage_sets import is_passage_set, write_bench

QUESTIONS = "questions.jsonl"
OTHER_QUESTIONS = "questions.csv questions.tsv questions.xlsx questions.json questions.txt".split()


@dataclass(frozen=True)
class Bench:
    """What is asked of which documents.

    folder: the run's, with the index in index/. documents: folders. notes: what the report says first.
    """

    folder: Path
    documents: list[Path]
    questions: list[Question]
    notes: list[str]

    @property
    def index(self) -> Path:
        """Return the folder of the index, which need not be there yet."""
        return self.folder / "index"


def open_gold(corpus: Path, sample: int = 0, seed: int = 0) -> Bench:
    """Return the gold questions about the whole corpus, incoming/ included, or a random sample of them."""
    incoming = corpus / "incoming"
    questions = read_questions(corpus / "gold.jsonl", sample, seed)
    return Bench(run_folder("gold"), [corpus, incoming] if incoming.exists() else [corpus], questions, [])


def open_bench(
    target: Path,
    settings: Settings,
    questions: Path | None = None,
    sample: int = 0,
    seed: int = 0,
    only_held_out: bool = False,
) -> Bench:
    """Return questions about a folder's documents, or a random sample of them; nothing is indexed yet.

    target: a folder with documents/ and questions.jsonl, or another file of questions that `rag.labels` reads; with
    `questions` it may be any folder of documents. Passages with questions are written as documents into a folder of the
    run's. only_held_out: ask only about documents that nothing that ships has learned from, and
    of passages index only those. Prints what was read of
    people's own labels. Raises EvaluationError where something is missing, and DataError where the questions can't be
    read.
    """
    if is_passage_set(target):
        name = f"passages-{target.resolve().name}" + "-held-out" * only_held_out
        target, source = run_folder(as_run_name(name)), target
        write_bench(source, target, only_held_out)
    documents = _documents_of(target, questions)
    file = questions or _questions_of(target)
    if file.resolve().is_relative_to(documents.resolve()):
        raise EvaluationError(f"{file} lies among the documents, where its own answers would be found: mv {file} .")
    files = {id: path for path, id in find_files(documents)}
    if not files:
        raise EvaluationError(f"{documents} holds no documents: put them there, or name another folder")
    folder = run_folder(bench_run_name(target, settings))
    if is_bench_format(file):
        found, notes = read_questions(file), []
        missing = sorted({question.document for question in found} - files.keys())
        if missing:
            notes = [f"{len(missing)} documents of {file} are not in {documents}: {listed(missing)}"]
            print(notes[0])
        found = evidence_as_read(found, files, settings.section(DocumentSettings))
    else:
        found, notes = read_own_questions(read_label_file(file), documents, settings.section(DocumentSettings))
        write_lines(folder / QUESTIONS, ({**question_fields(question), "start": -1} for question in found))
        print(f"the questions as they are asked: {folder / QUESTIONS}")
    if only_held_out:
        found = [question for question in found if held_out(question.document)]
        if not found:
            raise EvaluationError(f"no question of {file} is about a held-out document: leave --held-out away")
    return Bench(folder, [documents], sample_of(found, sample, seed), notes)


def _documents_of(target: Path, questions: Path | None) -> Path:
    if (target / "documents").is_dir():
        return target / "documents"
    if questions is not None and target.is_dir():
        return target
    if not target.is_dir():
        raise EvaluationError(f"there is no folder {target}: name one with documents/ and a file of questions")
    raise EvaluationError(
        f"{target} has no folder documents/: make one, or name the questions and all of {target} are the documents: "
        f"python -m eval bench {target} --questions FILE"
    )


def _questions_of(target: Path) -> Path:
    found = [target / name for name in (QUESTIONS, *OTHER_QUESTIONS) if (target / name).is_file()]
    if not found:
        raise EvaluationError(
            f"{target} has no questions: a file questions.jsonl, .csv, .xlsx or .json with the columns question and "
            f"answer is expected there, or python -m eval bench {target} --questions FILE"
        )
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise EvaluationError(f"{target} has {names}: choose one with --questions {found[0]}")
    return found[0]


def index_bench(bench: Bench, settings: Settings) -> None:
    """Index the bench's documents in an index of their own; unchanged documents cost nothing."""
    build_index(settings, bench.index, bench.documents)


def bench_run_name(target: Path, settings: Settings) -> str:
    """Return a run name that differs for other documents or settings, so that no earlier result is reused wrongly."""
    digest = hashlib.sha256(json.dumps(settings.overrides).encode())
    documents = target / "documents" if (target / "documents").is_dir() else target
    for path in sorted(documents.rglob("*")):
        if path.is_file():
            digest.update(f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return f"bench-{as_run_name(target.resolve().name)}-{digest.hexdigest()[:8]}"


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
