"""The commands that change and show the index, with a hashing embedder in place of the model."""

import io
import json
import os
import sqlite3

import pytest

from fakes import HashEmbedder
from rag.cli.main import main
from rag.index.left_documents import left_documents
from rag.index.writer import StoreWriter
from rag.models.libraries import SILENCED, TRACING
from rag.models.registry import INDEX
from rag.models.resolve import LocalModel
from rag.models.weight_delta import delta_name
from rag.server.state.feedback import Feedback, FeedbackFile, read_feedback


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    """A working folder with three documents, one of them broken, and no model but the hashing embedder."""
    monkeypatch.chdir(tmp_path)
    for name in ("HF_HUB_OFFLINE", *SILENCED, *TRACING, "TOKENIZERS_PARALLELISM", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    model = LocalModel(tmp_path, HashEmbedder.digest, "hash")
    monkeypatch.setattr("rag.factory.find_model", lambda spec, hub: model)
    monkeypatch.setattr("rag.models.resolve.find_model", lambda spec, hub: model)
    monkeypatch.setattr(
        "rag.models.embedder.Embedder",
        lambda model, device, delta=None: HashEmbedder(delta_name(delta) if delta else ""),
    )
    for name, text in {"crane": "The crane lifts 40 tonnes.", "mole": "The mole is long."}.items():
        (tmp_path / "docs" / "quay").mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / "quay" / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
    return tmp_path


def output_of(capsys, *arguments: str, status: int = 0) -> str:
    assert main(list(arguments)) == status
    out, err = capsys.readouterr()
    return out + err


def test_index_reports_and_lists_skipped_files_with_status_3(house, capsys):
    assert "documents: 2 added" in output_of(capsys, "index", "docs")
    (house / "docs" / "bad.md").write_bytes(b"\0\0\0")
    out = output_of(capsys, "index", "docs", status=3)
    assert "documents: 0 added" in out and "2 unchanged" in out and "skipped: docs/bad.md: " in out


@pytest.mark.parametrize("wrong", ["chunk.size=0", "chunk.sise=9", "documents.max_bytes=many"])
def test_a_rebuild_that_can_not_begin_leaves_the_index(house, capsys, wrong):
    output_of(capsys, "index", "docs")
    for name in ("lexical-notes.md", "dense.py"):
        (house / "var" / "index" / name).write_text("someone's")
    assert "error: " in output_of(capsys, "--set", wrong, "index", "docs", "--rebuild", status=1)
    assert "quay/crane.md" in output_of(capsys, "documents") and "2 added" in output_of(
        capsys, "index", "docs", "--rebuild"
    )
    assert all((house / "var" / "index" / name).exists() for name in ("lexical-notes.md", "dense.py")), (
        "and nothing else is deleted"
    )


def test_a_renamed_file_is_listed_and_embeds_nothing(house, capsys):
    output_of(capsys, "index", "docs")
    (house / "docs" / "quay" / "mole.md").rename(house / "docs" / "breakwater.md")
    out = output_of(capsys, "index", "docs")
    assert "1 renamed, 0 removed" in out and "0 of them embedded" in out and "quay/mole.md is now breakwater.md" in out


def test_documents_lists_names_and_patterns(house, capsys):
    output_of(capsys, "index", "docs")
    assert [line.split()[-1] for line in output_of(capsys, "documents").splitlines()] == [
        "quay/crane.md",
        "quay/mole.md",
    ]
    assert output_of(capsys, "documents", "*/cr*").split() == ["1", "chunks", "quay/crane.md"]
    (house / "docs" / "quay" / "mole.md").unlink()
    assert "its file is gone" in output_of(capsys, "documents", "quay/mole.md")


def test_remove_takes_documents_out_and_an_unknown_name_names_the_nearest(house, capsys):
    output_of(capsys, "index", "docs")
    assert "nearest is 'quay/mole.md'" in output_of(capsys, "remove", "mole.md", status=1)
    assert "removed: quay/crane.md" in output_of(capsys, "remove", "quay/crane*")
    assert "crane" not in output_of(capsys, "documents")


def test_status_counts_and_compact_gives_room_back(house, capsys):
    output_of(capsys, "index", "docs")
    output_of(capsys, "remove", "quay/crane.md")
    out = output_of(capsys, "status")
    assert "documents: 1\n" in out and "removals remembered: 1\n" in out and "1 removed since" in out
    assert "compacted" in output_of(capsys, "compact")
    assert "removals remembered: 0\n" in output_of(capsys, "status")


def test_doctor_finds_a_text_that_was_altered_and_says_what_mends_it(house, capsys, tiny_model):
    output_of(capsys, "index", "docs")
    model = ["--set", f"model.generator={tiny_model}"]
    out = output_of(capsys, *model, "doctor")
    assert "good  the document store is intact" in out and "bad " not in out
    with sqlite3.connect(house / "var" / "index" / "store.sqlite") as db:
        db.execute("UPDATE contents SET text = replace(text, '40', '99')")
    db.close()
    out = output_of(capsys, *model, "doctor", status=1)
    assert "bad   the document store is damaged" in out and "rag index FOLDER --rebuild" in out


def test_doctor_without_an_index_names_the_command(capsys, tiny_model):
    assert "bad   there is no index in var/index: make index" in output_of(
        capsys, "--set", f"model.generator={tiny_model}", "doctor", status=1
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user to whom a folder is closed")
def test_a_folder_that_was_locked_loses_nothing_and_is_listed(house, capsys):
    """As a user to whom it is closed: what is in it stays, what is gone elsewhere leaves."""
    (house / "docs" / "other.md").write_text("# other\n\nA lamp.\n")
    output_of(capsys, "index", "docs")
    (house / "docs" / "other.md").unlink()
    for path in (house, *house.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    for path in [*(house / "var").rglob("*"), house / "var", house]:
        os.chown(path, 65534, 65534)
    for mode in (0o000, 0o644):
        (house / "docs" / "quay").chmod(mode)
        os.seteuid(65534)
        try:
            out = output_of(capsys, "index", "docs", status=3)
            known = output_of(capsys, "documents")
        finally:
            os.seteuid(0)
        assert (
            "skipped: docs/quay" in out and "quay/crane.md" in known and "other.md" not in known and "gone" not in known
        )


def test_a_question_that_is_no_text_and_an_index_without_documents_are_one_line():
    from types import SimpleNamespace

    from rag.core.errors import PromptError, StoreError
    from rag.pipeline import Pipeline

    with pytest.raises(PromptError, match="not UTF-8 text"):
        Pipeline(None, SimpleNamespace(generator=None)).ask("When\udcff?")
    with pytest.raises(PromptError, match="no word in the question"):
        Pipeline(None, SimpleNamespace(generator=None)).ask(" ?")
    with pytest.raises(PromptError, match="2,010 characters, more than 2,000"):
        Pipeline(None, SimpleNamespace(generator=None)).ask("Why? Why? " * 201)
    empty = SimpleNamespace(refresh=lambda: None, search=lambda question, documents: [])
    with pytest.raises(StoreError, match="the index holds no documents: rag index FOLDER"):
        Pipeline(empty, SimpleNamespace(generator=None, selector=None)).ask("When was it built?")


@pytest.fixture
def sample(house, monkeypatch):
    """A sample corpus of two documents, with names of which `docs` has one too."""
    folder = house / "checkout" / "corpus"
    (folder / "quay").mkdir(parents=True)
    (folder / "quay" / "crane.md").write_text("# Sample crane\n\nThe sample crane is red.\n")
    (folder / "tide.md").write_text("# Tide\n\nThe tide is high at noon.\n")
    monkeypatch.setattr("rag.index.sample.SAMPLE", folder)
    monkeypatch.setattr("rag.index.folder_update.SAMPLE", folder)
    return folder


def names(capsys) -> list[str]:
    return [line.split()[2] for line in output_of(capsys, "documents").splitlines()]


def test_a_new_index_without_a_folder_is_made_of_the_sample_and_own_documents_take_its_place(house, capsys, sample):
    assert "2 added" in output_of(capsys, "index") and names(capsys) == ["quay/crane.md", "tide.md"]
    out = output_of(capsys, "index", "docs")
    assert f"removed: 1 documents of the sample corpus, {sample}" in out and "1 added, 1 changed" in out
    assert names(capsys) == ["quay/crane.md", "quay/mole.md"]
    again = output_of(capsys, "index")
    assert "2 unchanged" in again and "tide.md" not in output_of(capsys, "documents")


def test_a_sample_that_is_wanted_beside_own_documents_is_told_each_time(house, capsys, sample):
    output_of(capsys, "index", "docs")
    assert f"also in the index: 2 documents of {house / 'docs'}" in output_of(capsys, "index", str(sample))
    assert names(capsys) == ["corpus/quay/crane.md", "quay/crane.md", "quay/mole.md", "tide.md"]
    (house / "letter.md").write_text("Dear harbour master")
    assert "also in the index: 2 documents of the sample corpus" in output_of(capsys, "ingest", "letter.md")
    output_of(capsys, "remove", str(sample))
    assert "sample" not in output_of(capsys, "ingest", "letter.md")


def test_an_answer_from_the_sample_beside_own_documents_is_noted(house, capsys, sample):
    from fakes import passage
    from rag.answering.answer import generated_answer
    from rag.cli.output import print_sample_note
    from rag.core.settings import Settings
    from rag.generation.generator import Generation
    from rag.models.registry import INDEX

    def note(name):
        shown = [passage("The tide is high at noon.", name)]
        print_sample_note(generated_answer(Generation("at noon [1]", []), shown), Settings(), INDEX)
        return capsys.readouterr().err

    output_of(capsys, "index", str(sample))
    assert note("tide.md") == ""
    output_of(capsys, "ingest", "docs/quay/mole.md")
    assert "from the sample corpus, not from your documents" in note("tide.md") and note("mole.md") == ""


def test_folders_side_by_side_are_told_and_brought_up_to_date_together(house, capsys):
    (house / "other").mkdir()
    (house / "other" / "tide.md").write_text("The tide is high at noon.")
    output_of(capsys, "index", "docs")
    out = output_of(capsys, "index", "other")
    assert f"also in the index: 2 documents of {house / 'docs'} (rag remove {house / 'docs'})" in out
    (house / "docs" / "quay" / "mole.md").write_text("# Mole\n\nThe mole is longer now.\n")
    (house / "other" / "tide.md").unlink()
    (house / "other" / "moon.md").write_text("The moon is full.")
    out = output_of(capsys, "index", "--yes")
    assert "1 added, 1 changed, 0 renamed, 1 removed, 1 unchanged" in out and "also in the index" not in out
    assert "2 of " in output_of(capsys, "status")


def test_a_folder_that_is_empty_for_a_moment_is_an_error_and_yes_removes_its_documents(house, capsys):
    output_of(capsys, "index", "docs")
    (house / "docs").rename(house / "away")
    (house / "docs").mkdir()
    out = output_of(capsys, "index", "docs", status=1)
    assert "error: the files of 2 documents of docs are gone (quay/crane.md, quay/mole.md)" in out and "--yes" in out
    assert "error: the files of 2" in output_of(capsys, "index", status=1)
    assert "error: the files of 2" in output_of(capsys, "index", "docs", "--rebuild", status=1)
    assert names(capsys)[:1] == ["quay/crane.md"]
    (house / "docs").rmdir()
    assert "its documents stay; rag remove " in output_of(capsys, "index", status=3)
    (house / "away").rename(house / "docs")
    assert "2 unchanged; 0 chunks, 0 of them embedded" in output_of(capsys, "index", "docs")
    (house / "docs" / "quay").rename(house / "away")
    assert "2 removed" in output_of(capsys, "index", "docs", "--yes") and names(capsys) == []


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_at_a_terminal_it_is_asked_before_most_documents_are_removed(house, capsys, monkeypatch, typed, status):
    output_of(capsys, "index", "docs")
    (house / "docs" / "quay").rename(house / "away")
    terminal = io.StringIO(typed)
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("rag.cli.index.sys.stderr.isatty", lambda: True, raising=False)
    out = output_of(capsys, "index", "docs", status=status)
    assert "remove them from the index? y or n" in out and ("2 removed" in out) == (status == 0)
    assert len(names(capsys)) == (0 if status == 0 else 2)


def test_what_leaves_before_and_after_the_question_is_reported_and_its_feedback_goes(house, capsys, monkeypatch):
    for name in ("tide", "ebb", "buoy"):
        (house / "docs" / "sea").mkdir(exist_ok=True)
        (house / "docs" / "sea" / f"{name}.md").write_text(f"About the {name}.")
    output_of(capsys, "index", "docs/quay", "docs/sea")
    (house / "docs" / "sea" / "ebb.md").unlink()
    (house / "docs" / "quay").rename(house / "away")
    (house / "docs" / "quay").mkdir()
    say_of("crane.md", "ebb.md", "mole.md", "tide.md")
    monkeypatch.setattr("rag.cli.index._may_remove", lambda kept: True)
    assert "3 removed" in output_of(capsys, "index", "docs/quay", "docs/sea")
    assert said_of() == ["tide.md"]


def say_of(*documents: str) -> None:
    """Give a thumb to an answer from each of the documents."""
    file = FeedbackFile(INDEX)
    for name in documents:
        shown = [{"document": name, "start": 0, "end": 5, "text": "words"}]
        file.put(Feedback("2026-01-01T00:00:00Z", name, "Why?", "reader", "words", False, 0.5, "up", None, [], shown))
    file.close()


def said_of() -> list[str]:
    return [each.answer for each in read_feedback(INDEX)]


@pytest.mark.parametrize("how", ["index", "remove"])
def test_feedback_of_a_removed_document_goes_also_where_the_command_was_killed_over_it(house, capsys, monkeypatch, how):
    output_of(capsys, "index", "docs")
    say_of("quay/crane.md", "quay/mole.md")
    (house / "docs" / "quay" / "mole.md").unlink()
    words = ["index", "docs"] if how == "index" else ["remove", "quay/mole.md"]
    with monkeypatch.context() as killed:
        killed.setattr("rag.server.state.feedback.forget_rows", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        output_of(capsys, *words, status=130)
    (house / "docs" / "quay" / "mole.md").write_text("# Mole\n\nAnother document of that name.\n")
    output_of(capsys, "index", "docs")
    assert said_of() == ["quay/crane.md"] and left_documents(INDEX) == []
    say_of("quay/mole.md")
    output_of(capsys, "index", "docs")
    assert said_of() == ["quay/crane.md", "quay/mole.md"]


def test_a_rebuild_that_is_killed_before_it_has_a_store_loses_no_document(house, capsys, monkeypatch):
    (house / "other").mkdir()
    (house / "other" / "tide.md").write_text("The tide is high at noon.")
    output_of(capsys, "index", "docs", "other")
    say_of("quay/crane.md", "quay/mole.md", "tide.md")
    (house / "docs" / "quay" / "mole.md").unlink()
    with monkeypatch.context() as killed:
        killed.setattr("rag.index.rebuilding.StoreWriter", _Killed)
        output_of(capsys, "index", "docs", "--rebuild", status=130)
    assert "there is no index" in output_of(capsys, "documents", status=1)
    assert "2 added" in output_of(capsys, "index", "docs") and names(capsys) == ["quay/crane.md", "tide.md"]
    assert said_of() == ["quay/crane.md", "tide.md"] and not list(INDEX.glob("rebuilding*"))


class _Killed(StoreWriter):
    def __init__(self, *arguments, **options):
        raise KeyboardInterrupt


def test_a_rebuild_reads_other_folders_and_single_files_again(house, capsys):
    (house / "other").mkdir()
    (house / "other" / "tide.md").write_text("The tide is high at noon.")
    (house / "letter.md").write_text("Dear harbour master")
    output_of(capsys, "index", "docs", "other")
    output_of(capsys, "ingest", "letter.md")
    assert "4 added" in output_of(capsys, "index", "docs", "--rebuild", "--set", "chunk.size=300")
    out = output_of(capsys, "documents", "--set", "chunk.size=300")
    assert [line.split()[2] for line in out.splitlines()] == ["letter.md", "quay/crane.md", "quay/mole.md", "tide.md"]
    assert "4 added" in output_of(capsys, "index", "--rebuild")


def test_a_rebuild_that_is_stopped_loses_no_document(house, capsys, monkeypatch):
    output_of(capsys, "index", "docs")
    (house / "letter.md").write_text("Dear harbour master")
    output_of(capsys, "ingest", "letter.md")
    with monkeypatch.context() as stopped:
        stopped.setattr(HashEmbedder, "passages", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert "interrupted" in output_of(capsys, "index", "--rebuild", status=130)
    assert output_of(capsys, "documents").count("(not read yet: rag index)") == 3
    assert "3 added" in output_of(capsys, "index") and names(capsys) == ["letter.md", "quay/crane.md", "quay/mole.md"]


def test_a_damaged_index_is_rebuilt_from_the_folder_that_is_named(house, capsys):
    output_of(capsys, "index", "docs")
    (house / "var" / "index" / "store.sqlite").write_bytes(b"no database, for more than a hundred bytes" * 9)
    assert "rag index FOLDER --rebuild" in output_of(capsys, "index", "--rebuild", status=1)
    out = output_of(capsys, "index", "docs", "--rebuild")
    assert "what var/index held can't be read: index its other folders again" in out and "2 added" in out


def test_an_empty_folder_is_an_error_and_makes_no_index(house, capsys):
    (house / "empty").mkdir()
    assert "there is no file in empty: name a folder with documents" in output_of(capsys, "index", "empty", status=1)
    assert not (house / "var").exists()


def test_a_tilde_is_the_home_folder_though_no_shell_has_seen_it(house, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(house))
    assert "2 added" in output_of(capsys, "index", "~/docs")
    assert "2 unchanged" in output_of(capsys, "ingest", "~/docs/quay")


def test_a_folder_with_no_readable_file_lists_each_and_changes_nothing(house, capsys, sample):
    output_of(capsys, "index")
    (house / "pictures").mkdir()
    for name in ("a.jpg", "b.md"):
        (house / "pictures" / name).write_bytes(b"\0\1\2" * 50)
    out = output_of(capsys, "index", "pictures", status=3)
    assert out.count("skipped: pictures/") == 2 and "2 documents of" in out and len(names(capsys)) == 2


def test_ingest_takes_what_is_there_and_names_what_is_missing(house, capsys):
    (house / "two words.md").write_text("Two words.")
    for name in ("one.txt", "other.txt"):
        (house / name).write_text(f"Text {name}.")
    out = output_of(capsys, "ingest", "two words.md", "missing.md", "*.txt", "nothing*.md", "docs/quay", status=3)
    assert (
        "5 added" in out and "skipped: missing.md: there is no file" in out and "skipped: nothing*.md: no file" in out
    )
    assert (
        "missing.md" in (both := output_of(capsys, "ingest", "missing.md", "gone.md", status=1)) and "gone.md" in both
    )


def test_quiet_prints_problems_alone(house, capsys):
    assert output_of(capsys, "index", "docs", "-q") == ""
    (house / "docs" / "bad.md").write_bytes(b"\0\0\0")
    assert output_of(capsys, "-q", "index", status=3).startswith("skipped: ")


def test_search_shows_the_scores_of_each_stage(house, capsys):
    output_of(capsys, "index", "docs")
    plain = ["--set", "model.reranker="]
    out = output_of(capsys, "search", "crane", "lifts", *plain)
    assert "[1] quay/crane.md\n    dense " in out and "BM25 " in out and "reranked -" in out and "40 tonnes" in out
    (only,) = json.loads(output_of(capsys, "search", "crane lifts", "--in", "quay/mole.md", "--json", *plain))
    assert only["document"] == "quay/mole.md" and only["bm25"] is None and only["dense"] is not None
    assert len(json.loads(output_of(capsys, "search", "the", "-k", "1", "--json", *plain))) == 1
    for wrong in (["search", " "], ["search", "x", "-k", "0"], ["search", "x", "--in", "mole.md"]):
        assert output_of(capsys, *wrong, *plain, status=1).startswith("error: ")


def test_documents_are_named_by_id_pattern_or_folder(house, capsys):
    output_of(capsys, "index", "docs")
    for name in ("quay", "quay/", "quay/*", "docs", str(house / "docs" / "quay")):
        assert len(output_of(capsys, "documents", name).splitlines()) == 2, name
    assert output_of(capsys, "documents", "docs/quay/mole.md").split()[-1] == "quay/mole.md"
    assert "the nearest is 'quay/mole.md'" in output_of(capsys, "ask", "x", "--in", "quay/mloe.md", status=1)


@pytest.mark.parametrize("question", ["", "   ", "\n", "?!", "..."])
def test_a_question_of_nothing_is_an_error_before_a_model_is_loaded(house, capsys, question):
    assert (
        output_of(capsys, "ask", "--", question, status=1) == 'error: there is no word in the question: rag ask "..."\n'
    )


def test_an_index_that_is_outdated_is_told_in_words_with_the_command_that_mends_it(house, capsys):
    output_of(capsys, "--index", "my index", "ingest", "docs/quay/mole.md")
    smaller = ["--index", "my index", "--set", "chunk.size=300"]
    told = output_of(capsys, "documents", *smaller, status=1)
    assert told == (
        "error: the index in my index was made with chunk.size 520, not 300: rag --index 'my index' index --rebuild\n"
    )
    assert "1 added" in output_of(capsys, "index", "--rebuild", *smaller)
    assert "mole.md" in output_of(capsys, "documents", *smaller)


def test_an_index_of_other_readers_is_told_without_their_names(house, capsys, monkeypatch):
    output_of(capsys, "index", "docs")
    monkeypatch.setattr("rag.documents.identity.PARSERS_VERSION", "another")
    told = output_of(capsys, "ask", "Where?", status=1)
    assert told.startswith("error: the index in var/index was made by another version of this program, which read doc")
    assert "{" not in told and told.endswith(": rag index --rebuild\n")
