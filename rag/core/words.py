"""Word lists of English, and how texts are taken apart into words for comparing and searching."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import regex

from rag.core.invisible_characters import remove_invisible
from rag.core.text_metrics import normalize

QUESTION_WORDS = frozenset("how many much what when where which who whom whose why".split())
# Words that say nothing about what a question asks for.
STOPWORDS = QUESTION_WORDS | frozenset(
    """a an and are as at be been by can did do does for from had has have in is it its of on or than that the their
    there they this to was were will with would you your""".split()
)
# Words that say nothing about what a sentence is about.
FUNCTION_WORDS = frozenset(
    """a an the and or but of to in on at by for from with as is are was were be been it its this that these those there
    not no than more most less least up if when which who whom whose will would shall should can could may might must
    has have had do does did he she they we you your their our his her i per each every any all also only so such
    into after before under over about out then because being""".split()
)
# A regular expression for the name of a month, in full or cut short.
MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    "aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety hundred"
NUMBER_WORDS = {
    **{word: number for number, word in enumerate(_TO_TWENTY.split())},
    **{word: 10 * number for number, word in enumerate(_TENS.split(), 3)},
}
# Letters of scripts that put no spaces between words, for a character class of the `regex` library.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u30fc\uff70\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}"
_WORD = re.compile(r"\w+")
_OTHER_SCRIPT = re.compile("[\u0590-\u1dff\u2c00-\U0010ffff]")  # beyond Latin, Greek, Cyrillic and Armenian letters
_RUN = regex.compile(
    rf"(?V1)(?P<unspaced>(?:[{UNSPACED}]\p{{M}}*)+)|(?P<korean>\p{{Hangul}}+)|[[\w\p{{N}}]--[{UNSPACED}]]+"
)
_CLUSTER = regex.compile(r".\p{M}*", regex.S)
# Accents, and what Arabic and Hebrew leave out as often as not: points, vowels, the bar that stretches a word.
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_UNACCENTED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)


def content_words(sentence: str) -> set[str]:
    """Return the words that say what a sentence is about: no function words, numbers, months or plural endings."""
    words = normalize(re.sub(r"[-–—/|*]", " ", sentence)).split()
    stems = {singular(word) for word in words if word not in FUNCTION_WORDS}
    return {word for word in stems if not _is_function_word_or_number(word)}


def _is_function_word_or_number(word: str) -> bool:
    return (
        word in FUNCTION_WORDS
        or word in NUMBER_WORDS
        or any(character.isdigit() for character in word)
        or re.fullmatch(MONTH, word) is not None
    )


def singular(word: str) -> str:
    """Return a word without the endings of its plural and possessive."""
    word = re.sub(r"['’]s?$", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def search_terms(text: str) -> list[str]:
    """Return what of a text the lexical search compares: its lower-case words and numbers.

    A plural s is dropped so that "pallets" finds "pallet", and accents, so that "cafe" finds "café". Of scripts without
    spaces the terms are single characters and pairs of neighbours; Korean words have their pairs beside them.
    """
    folded = text.lower() if text.isascii() else _fold(text)
    words = _words_and_pairs(folded) if _OTHER_SCRIPT.search(folded) else _WORD.findall(folded)
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]


def _fold(text: str) -> str:
    """Return the text in lower case and in one form of each character that Unicode has several of."""
    apart = unicodedata.normalize("NFKD", remove_invisible(text)).casefold()
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", apart)).translate(_UNACCENTED)


def _words_and_pairs(text: str) -> Iterator[str]:
    for run in _RUN.finditer(text):
        characters = _CLUSTER.findall(run[0]) if run["unspaced"] or run["korean"] else []
        yield from characters if run["unspaced"] else [run[0]]
        yield from map("".join, zip(characters, characters[1:], strict=False))
