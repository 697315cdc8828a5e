import re

import pytest

from rag.core.words import search_terms


def old_terms(text: str) -> list[str]:
    """The terms of ASCII text as they always were."""
    words = re.findall(r"\w+", text.lower())
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]


@pytest.mark.parametrize("text", ["Pallets, BUS gas glass 08:30 it's", "snake_case --dry-run C3/4 x_", "", "\x00 a\tb"])
def test_terms_of_ascii_text_are_its_words_without_a_plural_s(text):
    assert search_terms(text) == old_terms(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "cafe"),
        ("cafe\u0301", "CAFÉ"),
        ("naïve résumés", "naive resumes"),
        ("Straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("ﬁne", "fine"),
        ("①２３", "123"),
        ("co\u00adoperate zero\u200bwidth", "cooperate zerowidth"),
        ("Łódź Ærø", "lodz aero"),
        ("ёлка", "Елка"),
        ("كِتَاب", "كتاب"),
        ("ﾃｽﾄ", "テスト"),
        ("Ａｃｍｅ™", "acmetm"),
    ],
)
def test_two_spellings_of_a_word_are_one_term(one, other):
    assert search_terms(one) == search_terms(other) != []


def test_scripts_without_spaces_have_characters_and_pairs():
    assert search_terms("费用300元ABC") == ["费", "用", "费用", "300", "元", "abc"]
    assert search_terms("東京タワー") == ["東", "京", "タ", "ワ", "ー", "東京", "京タ", "タワ", "ワー"]
    assert set(search_terms("กินข้าว")) <= {*search_terms("เขากินข้าว")}
    assert search_terms("서울에서 살다") == ["서울에서", "서울", "울에", "에서", "살다", "살다"]


def test_letters_keep_the_signs_that_belong_to_them():
    assert search_terms("दिल्ली में") == ["दिल्ली", "में"]
    assert search_terms("が") == ["が"]
