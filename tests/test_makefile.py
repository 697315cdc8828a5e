"""The Makefile: what is typed reaches the commands as it was typed."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READY = ("-o", ".venv/.ready", "-o", "var/index/.complete")  # nothing is set up or indexed


def arguments_of(tmp_path, *typed: str) -> list[str]:
    """Run make with a program in place of Python that prints its arguments, and return those."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nfor each in "$@"; do printf "%s\\0" "$each"; done\n')
    program.chmod(0o755)
    (tmp_path / "var" / "index").mkdir(parents=True, exist_ok=True)
    command = ["make", "-s", "-f", str(ROOT / "Makefile"), *READY, f"PY={program}", *typed]
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    "typed",
    [
        "Does $80 cover $(x) and $HOME?",
        "What's \"5 %\" of 'it'?",
        "--help",
        "-q",
        "two\nlines?",
        "a; echo b && c | d > e `f` $(shell touch made)",
        "back\\slash # and $$ and *",
        "two  spaces and one behind ",
    ],
)
def test_what_is_typed_reaches_the_command_as_it_was_typed(tmp_path, typed):
    assert arguments_of(tmp_path, "ask", f"Q={typed}") == ["-m", "rag", "ask", "--", typed]
    assert arguments_of(tmp_path, "ingest", f"DOCS={typed}") == ["-m", "rag", "ingest", "--", typed]
    assert arguments_of(tmp_path, "index", f"CORPUS={typed}") == ["-m", "rag", "index", "--", typed]
    assert not (tmp_path / "made").exists()


def test_without_a_folder_the_index_decides_what_is_indexed(tmp_path):
    assert arguments_of(tmp_path, "index") == ["-m", "rag", "index", "--"]


@pytest.mark.parametrize(("target", "said"), [("ask", "error: no question"), ("ingest", "error: no documents")])
def test_without_a_question_or_documents_the_command_is_not_run(tmp_path, target, said):
    command = ["make", "-s", "-f", str(ROOT / "Makefile"), *READY, "PY=touch made;", target]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and said in done.stderr and not (tmp_path / "made").exists()
