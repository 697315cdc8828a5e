import pytest

from rag.core.errors import DataError
from rag.labels.document_names import DocumentNames

NAMES = DocumentNames(["a/lock.md", "b/lock.md", "tides.pdf", "Rules.docx"])


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("tides.pdf", "tides.pdf"),
        ("./Tides.PDF", "tides.pdf"),
        ("/home/me/docs/tides.pdf", "tides.pdf"),
        (r"C:\docs\b\lock.md", "b/lock.md"),
        ("rules", "Rules.docx"),
        ("tides.pdf, page 3", "tides.pdf"),
        ("https://intranet.example/x/tides.pdf#page=3", "tides.pdf"),
    ],
)
def test_a_document_is_found_by_name(name, document):
    assert NAMES.find(name) == document


def test_a_name_of_two_or_of_none_is_an_error_that_names_them():
    with pytest.raises(DataError, match="'lock.md' can be 'a/lock.md' or 'b/lock.md'"):
        NAMES.find("lock.md")
    with pytest.raises(DataError, match="'rules.pdf'; the nearest is"):
        NAMES.find("rules.pdf")
    with pytest.raises(DataError, match="'tide.pdf'; the nearest is 'tides.pdf'"):
        NAMES.find("tide.pdf")
