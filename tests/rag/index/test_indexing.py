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

        def sync(self, folder, **options):
            return sync(store, tiny_embedder, folder, IndexingSettings(), **options)

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


def test_the_same_name_from_elsewhere_gets_its_folders_name(index, docs, tmp_path):
    index.sync(docs)
    other = other_a(tmp_path)
    report = index.ingest(other)
    assert (report.added, report.skipped) == (["other/a.md"], []) and report.longer == {"other/a.md": other / "a.md"}
    assert index.texts["a.md"] == "# a\n\ntext of a" and "another document" in index.texts["other/a.md"]
    assert index.ingest(other).unchanged == index.sync(other).unchanged == 1 and index.sync(docs).unchanged == 3
    assert len(index.ids) == 4


def test_folders_of_one_name_with_files_of_one_name_in_one_call(index, tmp_path):
    folders = [tmp_path / name / "notes" for name in ("first", "second", "third")]
    for n, folder in enumerate(folders):
        folder.mkdir(parents=True)
        (folder / "readme.md").write_text(f"# Notes\n\nnote {n}\n")
    index.ingest(*folders)
    assert index.ids == ["notes/readme.md", "readme.md", "third/notes/readme.md"]
    assert "note 0" in index.texts["readme.md"] and "note 2" in index.texts["third/notes/readme.md"]


def test_a_longer_name_does_not_take_that_of_a_document_in_a_subfolder(index, docs, tmp_path):
    (docs / "other").mkdir()
    (docs / "other" / "a.md").write_text("one that is called other/a.md")
    index.sync(docs)
    assert index.sync(other_a(tmp_path)).added == [f"{tmp_path.name}/other/a.md"]


def test_the_longer_name_is_given_back_when_the_shorter_is_free(index, docs, tmp_path):
    index.sync(docs)
    other = other_a(tmp_path)
    index.sync(other)
    (docs / "a.md").unlink()
    index.sync(docs)
    report = index.sync(other)
    assert report.renamed == [("other/a.md", "a.md")] and report.embedded == 0


def files_in(folder, count, start=0):
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{n:02}.md" for n in range(start, start + count)]
    for n, path in enumerate(files, start):
        path.write_text(f"# Note {n}\n\nThis is note {n}.\n")
    return files


def test_a_folder_that_is_empty_for_a_moment_loses_nothing(index, docs, tmp_path):
    index.sync(docs)
    docs.rename(tmp_path / "away")
    docs.mkdir()
    (docs / "new.md").write_text("# new\n\nwritten meanwhile\n")
    report = index.sync(docs)
    assert (report.removed, report.added) == ([], ["new.md"]) and report.kept == {docs: ["a.md", "b.md", "c.md"]}
    shutil.rmtree(docs)
    (tmp_path / "away").rename(docs)
    back = index.sync(docs)
    assert (back.unchanged, back.embedded, back.kept) == (3, 0, {}) and back.removed == ["new.md"]


def test_an_emptied_folder_loses_no_document_to_another_folder_with_files_of_the_same_names(index, docs, tmp_path):
    index.sync(docs)
    shutil.rmtree(docs)
    assert index.sync(other_a(tmp_path)).added == ["other/a.md"] and index.texts["a.md"] == "# a\n\ntext of a"
    (tmp_path / "b.md").write_text("another b")
    assert index.ingest(tmp_path / "b.md").added == [f"{tmp_path.name}/b.md"] and "b.md" in index.ids


def test_a_folder_that_was_moved_keeps_its_names_though_a_file_changed(index, docs, tmp_path):
    index.sync(docs)
    moved = docs.rename(tmp_path / "moved")
    (moved / "c.md").write_text("# c\n\nnew text of c\n")
    report = index.sync(moved)
    assert (report.added, report.longer, report.embedded) == ([], {}, 1)
    assert index.ids == ["a.md", "b.md", "c.md"] and index.texts["c.md"].endswith("new text of c")


def test_documents_whose_files_are_all_gone_leave_when_that_is_wanted(index, docs):
    index.sync(docs)
    for path in docs.iterdir():
        path.unlink()
    assert index.sync(docs).removed == [] and len(index.ids) == 3
    assert index.sync(docs, remove_most=True).removed == ["a.md", "b.md", "c.md"] and index.ids == []


@pytest.mark.parametrize(("of", "gone", "kept"), [(9, 5, True), (10, 5, False), (7, 4, False), (1, 1, True)])
def test_more_than_half_of_a_folder_stays_if_it_is_five_documents_or_all(index, tmp_path, of, gone, kept):
    files = files_in(tmp_path / "notes", of)
    index.sync(tmp_path / "notes")
    for path in files[:gone]:
        path.unlink()
    report = index.sync(tmp_path / "notes")
    assert bool(report.kept) == kept and len(report.removed) == (0 if kept else gone)


@pytest.mark.parametrize("still_there", [True, False])
def test_an_empty_subfolder_keeps_its_documents_and_a_deleted_one_does_not(index, tmp_path, still_there):
    notes = tmp_path / "notes"
    files_in(notes, 20)
    on_disk = files_in(notes / "disk" / "deep", 6, 50)
    index.sync(notes)
    for path in on_disk:
        path.unlink()
    (notes / "disk" / "deep").rmdir()
    if not still_there:
        (notes / "disk").rmdir()
    report = index.sync(notes)
    assert (len(report.removed), bool(report.kept)) == ((0, True) if still_there else (6, False))


def test_renaming_every_file_is_no_removal(index, tmp_path):
    notes = tmp_path / "notes"
    files = files_in(notes, 8)
    index.sync(notes)
    (notes / "2026").mkdir()
    for path in files:
        path.rename(notes / "2026" / path.name)
    report = index.sync(notes)
    assert (len(report.renamed), report.kept, report.embedded) == (8, {}, 0)


def test_a_folder_takes_the_place_of_another_with_the_same_names(index, docs, tmp_path):
    index.sync(docs)
    own = other_a(tmp_path)
    report = index.sync(own, in_place_of=docs)
    assert report.sample == ["b.md", "c.md"] and index.texts == {"a.md": "another document that is called a"}


def test_a_folder_of_which_nothing_can_be_read_takes_no_place(index, docs, tmp_path):
    index.sync(docs)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.md").write_bytes(b"\0\0")
    report = index.sync(tmp_path / "own", in_place_of=docs)
    assert report.sample == [] and len(report.skipped) == 1 and len(index.ids) == 3


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
