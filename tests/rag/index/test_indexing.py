import shutil

import pytest

from rag.core.errors import DocumentError
from rag.index.indexing import IndexingSettings, ingest, sync


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.md").write_text(f"# {name}\n\ntext of {name}\n")
    return folder


@pytest.fixture
def index(tiny_index, tiny_embedder):
    """Return a store, and what syncs and ingests into it."""
    store = tiny_index({})

    class Index:
        ids = property(lambda self: list(store.documents()))
        texts = property(lambda self: {c.document: c.text for c in store.all_chunks()})
        change = property(lambda self: store.change)

        def sync(self, folder):
            return sync(store, tiny_embedder, folder, IndexingSettings())

        def ingest(self, *targets):
            return ingest(store, tiny_embedder, list(targets), IndexingSettings())

    return Index()


def test_first_run_adds_and_the_second_does_nothing(index, docs):
    first = index.sync(docs)
    assert (first.added, first.changed, first.unchanged, first.chunks) == (["a.md", "b.md", "c.md"], [], 0, 3)
    change = index.change
    second = index.sync(docs)
    assert (second.added, second.changed, second.removed, second.unchanged, second.chunks) == ([], [], [], 3, 0)
    assert index.change == change


def test_a_changed_file_is_read_again_and_a_deleted_one_leaves(index, docs):
    index.sync(docs)
    (docs / "a.md").write_text("# a\n\nnew words\n")
    (docs / "b.md").unlink()
    report = index.sync(docs)
    assert (report.added, report.changed, report.removed, report.unchanged) == ([], ["a.md"], ["b.md"], 1)
    assert index.texts == {"a.md": "# a\n\nnew words", "c.md": "# c\n\ntext of c"}


def test_ingest_removes_nothing(index, docs):
    index.sync(docs)
    (docs / "b.md").unlink()
    assert index.ingest(docs).removed == [] and index.ids == ["a.md", "b.md", "c.md"]


def test_a_bad_file_is_listed_with_the_reason_and_stops_no_other(index, docs):
    (docs / "b.md").write_bytes(b"\0\0")
    report = index.sync(docs)
    assert index.ids == ["a.md", "c.md"]
    assert [(s.path, s.reason) for s in report.skipped] == [(docs / "b.md", "binary data, not text")]


def test_documents_from_another_folder_stay_when_a_folder_is_synced(index, docs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.md").write_text("Dear harbour master")
    index.ingest(other / "letter.md")
    assert index.sync(docs).removed == [] and "letter.md" in index.ids


def other_a(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("another document that is called a")
    return other


def test_the_same_name_from_elsewhere_is_refused(index, docs, tmp_path):
    index.sync(docs)
    report = index.ingest(other_a(tmp_path))
    assert report.added == report.changed == [] and str(docs / "a.md") in report.skipped[0].reason
    assert index.texts["a.md"] == "# a\n\ntext of a"


def test_the_same_name_from_elsewhere_is_refused_within_one_call(index, docs, tmp_path):
    report = index.ingest(docs, other_a(tmp_path))
    assert len(report.skipped) == 1 and index.texts["a.md"] == "# a\n\ntext of a"


def test_a_file_named_twice_is_added_once(index, docs):
    report = index.ingest(docs / "a.md", docs / "a.md")
    assert report.added == ["a.md"] and report.chunks == 1


def test_deletions_are_still_noticed_after_the_folder_was_moved(index, docs, tmp_path):
    index.sync(docs)
    moved = shutil.move(docs, tmp_path / "moved")
    index.sync(tmp_path / "moved")
    (tmp_path / "moved" / "b.md").unlink()
    assert index.sync(tmp_path / "moved").removed == ["b.md"], moved


def test_a_folder_that_is_not_there_is_an_error_and_removes_nothing(index, docs):
    index.sync(docs)
    shutil.rmtree(docs)
    with pytest.raises(DocumentError, match="no file or folder"):
        index.sync(docs)
    assert len(index.ids) == 3


def test_one_file_named_alone_and_within_its_folder_in_one_call_is_one_document(index, docs):
    report = index.ingest(docs, docs / "a.md", docs.parent / "docs" / ".." / "docs" / "b.md")
    assert index.ids == report.added == ["a.md", "b.md", "c.md"]
    (docs / "quay").mkdir()
    (docs / "quay" / "d.md").write_text("# d\n\ntext of d\n")
    assert index.ingest(docs, docs / "quay" / "d.md").added == ["quay/d.md"] and len(index.ids) == 4


def test_a_link_to_a_file_that_is_there_is_no_second_document(index, docs):
    (docs / "0-latest.md").symlink_to(docs / "c.md")
    assert index.sync(docs).added == ["a.md", "b.md", "c.md"]
    change = index.change
    again = index.sync(docs)
    assert (again.added, again.renamed, again.removed, index.change) == ([], [], [], change)


def test_a_file_ingested_alone_gives_its_name_back_when_its_folder_is_indexed(index, docs):
    """One run comes to what a fresh index has, though another file has the name now."""
    (docs / "quay").mkdir()
    (docs / "quay" / "a.md").write_text("# quay\n\nanother a\n")
    assert index.ingest(docs / "quay" / "a.md").added == ["a.md"]
    report = index.sync(docs)
    assert report.skipped == [] and index.ids == ["a.md", "b.md", "c.md", "quay/a.md"]
    assert index.texts["a.md"] == "# a\n\ntext of a" and index.texts["quay/a.md"] == "# quay\n\nanother a"
    assert index.sync(docs).unchanged == 4


def test_a_folder_in_the_place_of_a_file_leaves_no_document_of_it(index, docs):
    index.sync(docs)
    (docs / "b.md").unlink()
    (docs / "b.md").mkdir()
    assert index.sync(docs).removed == ["b.md"]


def test_a_name_that_is_not_utf8_is_reported_and_stops_no_other(index, docs):
    import os

    (docs / os.fsdecode(b"\xff.md")).write_text("text")
    report = index.sync(docs)
    assert index.ids == ["a.md", "b.md", "c.md"] and [s.reason for s in report.skipped] == ["its name is not UTF-8"]


def test_names_of_any_kind_are_ids(index, docs):
    names = sorted(["港 harbour.md", "a[1].md", "100%.md", "it's #1?.md", "cafe\u0301.md", "caf\u00e9.md", "*.md"])
    for name in names:
        (docs / name).write_text(f"text of {name}")
    index.sync(docs)
    assert index.ids == sorted([*names, "a.md", "b.md", "c.md"]) and all(
        index.texts[name] == f"text of {name}" for name in names
    )
    (docs / "*.md").unlink()
    assert index.sync(docs).removed == ["*.md"]


def test_a_document_of_headings_alone_has_no_chunks_and_is_not_read_again(index, docs):
    (docs / "empty.md").write_text("# Only a heading\n")
    assert "empty.md" in index.sync(docs).added
    assert index.sync(docs).unchanged == 4 and "empty.md" not in index.texts
