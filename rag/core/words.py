"""TODO docstring of rag.core.words."""

from __future__ import annotations

import re

from rag.core.text_metrics import normalize

STOPWORDS = frozenset(
    """a an and are as at be been by can did do does for from had has have how in is it its many much of on or than that the their
    there they this to was were what when where which who whom whose why will with would you your""".split()
)

MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
NUMBER_WORDS = {
    word: number for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split())
} | {word: 10 * number for number, word in enumerate("thirty forty fifty sixty seventy eighty ninety hundred".split(), 3)}  # fmt: skip
FUNCTION_WORDS = frozenset(
    "a an the and or but of to in on at by for from with as is are was were be been it its this that these those there not no than more most less least up "
    "if when which who whom whose will would shall should can could may might must has have had do does did he she they we you your their our his her i "
    "per each every any all also only so such into after before under over about out then because being".split()
)


def content_words(sentence: str) -> set[str]:
    """-> words that say something, without plural endings, numbers and the most common words."""
    words = {
        singular(word) for word in normalize(re.sub(r"[-–—/|*]", " ", sentence)).split() if word not in FUNCTION_WORDS
    }
    return {
        w
        for w in words
        if w not in FUNCTION_WORDS
        and w not in NUMBER_WORDS
        and not any(c.isdigit() for c in w)
        and not re.fullmatch(MONTH, w)
    }


def singular(word: str) -> str:
    """A word without the endings of its plural and possessive."""
    word = re.sub(r"['’]s?$", "", word)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def search_terms(text: str) -> list[str]:
    """Lower-case words and numbers; a plural s is dropped so that "pallets" finds "pallet"."""
    return [
        w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w
        for w in re.findall(r"\w+", text.lower())
    ]
