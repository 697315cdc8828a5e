"""Words that a line's end breaks are joined; hyphens that belong to a word stay."""

import pytest

from rag.documents.formats.pdf.hyphens import join_lines, words_within


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["The trans-", "former hums."], "The transformer hums."),
        (["Ask Frau Linden-", "egger for it."], "Ask Frau Lindenegger for it."),
        (["the Genehmi-", "gung der Behör-", "de"], "the Genehmigung der Behörde"),
        (["ninety-", "two boxes"], "ninety-two boxes"),
        (["send an e-", "mail"], "send an e-mail"),
        (["a long-", "term plan"], "a long-term plan"),
        (["out-of-", "date maps"], "out-of-date maps"),
        (["an up-", "to-date map"], "an up-to-date map"),
        (["Anna Moor-", "Lund"], "Anna Moor-Lund"),
        (["the self-", "taught smith"], "the self-taught smith"),
        (["Ein- und", "Ausgang; Vor-", "und Nachteile"], "Ein- und Ausgang; Vor- und Nachteile"),
        (["pages 12-", "19"], "pages 12-19"),
        (["soft\u00ad", "ened"], "softened"),
        (["moist\u2010", "ure"], "moisture"),
        (["a dash -", "then more"], "a dash - then more"),
        (["no hyphen", "here"], "no hyphen here"),
    ],
)
def test_lines_are_joined(lines, text):
    assert join_lines(lines) == text


def test_the_documents_own_words_decide():
    assert join_lines(["the pump-", "house"], words_within(["The pump-house is old."])) == "the pump-house"
    assert join_lines(["the pump-", "house"], words_within(["The pumphouse is old."])) == "the pumphouse"
    assert words_within(["one two"]) == {"one"}, "the last word of a line may be broken"
