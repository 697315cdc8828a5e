"""Word lists of English, and how texts are taken apart into words for comparing and searching."""

from __future__ import annotations

import re

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
    """Return the lower-case words and numbers of a text; a plural s is dropped so that "pallets" finds "pallet"."""
    words = re.findall(r"\w+", text.lower())
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]
