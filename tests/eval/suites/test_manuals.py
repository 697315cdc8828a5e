import hashlib
import subprocess
from collections import Counter

import pytest

from eval.runs.questions import read_questions
from eval.suites import manual_packages
from eval.suites.manual_packages import ManualPackage, fetch_manuals, read_recipe
from eval.suites.manuals import FILE, as_text, judge, manual_figures
from rag.core.errors import EvaluationError
from rag.core.jsonl import read_lines


def test_a_hundred_questions_about_files_of_the_recipe():
    questions, rows = read_questions(FILE), read_lines(FILE)
    files = {f"{p.manual}/{file.rpartition('/')[2]}" for p in read_recipe() for file in p.files}
    assert len(questions) == 100 and sum(not q.answerable for q in questions) == 20
    assert {q.document for q in questions if q.answerable} <= files
    assert {q.document for q in questions if not q.answerable} == {p.manual for p in read_recipe()}
    assert all(bool(row["quote"]) == bool(row["answers"]) for row in rows)
    assert max(Counter(q.question for q in questions).values()) == 1


def test_packages_are_fetched_once_and_checked(tmp_path, monkeypatch):
    data = b"an archive"

    def run(command, cwd, **_):
        if command[0] == "apt-get":
            (cwd / "guide_1.deb").write_bytes(data)
        else:
            page = cwd / "root/usr/doc/deep/page.html"
            page.parent.mkdir(parents=True)
            page.write_text("text")

    monkeypatch.setattr(subprocess, "run", run)
    package = ManualPackage("m", "guide", "1", hashlib.sha256(data).hexdigest(), "usr/doc", ("deep/page.html",))
    fetch_manuals(tmp_path, [package])
    assert (tmp_path / "m/page.html").read_text() == "text"
    data = b"another archive"
    fetch_manuals(tmp_path, [package])  # it is there, so nothing is fetched
    (tmp_path / "m/page.html").unlink()
    with pytest.raises(EvaluationError, match="SHA-256"):
        fetch_manuals(tmp_path, [package])


def test_a_machine_without_apt_is_told_so(tmp_path, monkeypatch):
    def run(command, **_):
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(manual_packages.subprocess, "run", run)
    with pytest.raises(EvaluationError, match="apt-get is not installed"):
        fetch_manuals(tmp_path, [ManualPackage("m", "guide", "1", "0", "usr", ("a",))])


def row(text, answers):
    return {"text": text, "answers": answers, "refused": not text}


def test_right_is_alike_or_holds_the_answer_in_few_words():
    assert judge(row("in /etc/borg", ["/etc/borg"]))["right"]
    assert not judge(row("in /etc/borg-server", ["/etc/borg"]))["right"]
    assert judge(row("use the gzip -9 command for every page that you install", ["gzip -9"]))["right"]
    assert not judge(row(" ".join(["gzip -9", *map(str, range(40))]), ["gzip -9"]))["right"]
    assert judge(row("", []))["right"] and not judge(row("yes", []))["right"] and not judge(row("", ["a"]))["right"]


def test_figures_keep_answerable_and_other_questions_apart():
    rows = [row("lz4", ["lz4"]), row("zstd", ["lz4"]), row("", ["lz4"]), row("", []), row("x", [])]
    found = manual_figures([{**each, **judge(each)} for each in rows])
    assert (found["n"], found["right"]["count"], found["refused"], found["wrong"]) == (3, 1, 1, 1)
    assert (found["unanswerable"], found["right_refusals"]["count"]) == (2, 1)
    assert found["f1"]["value"] == 0.3333
    assert "| all | 3 | 0.333" in as_text({"all": found, "by_manual": {}, "by_kind": {}})
