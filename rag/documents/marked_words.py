"""Where words of a document's text stand among the letters of its page, which come in another order and spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

SHORTEST = 3  # letters of a part of the words that is looked for by itself


def folded(letters: Sequence[str]) -> tuple[str, list[int]]:
    """Return letters and digits alone, in one case and one form, and for each of them its place among `letters`.

    Spaces, hyphens at line ends, bullets and rules of tables differ between a page and its text.
    """
    found, places = [], []
    for place, letter in enumerate(letters):
        for each in unicodedata.normalize("NFKC", letter).casefold():
            if each.isalnum():
                found.append(each)
                places.append(place)
    return "".join(found), places


def times_before(words: str, text: str) -> int:
    """Return how often the words stand in a text."""
    wanted, shown = folded(words)[0], folded(text)[0]
    return shown.count(wanted) if wanted else 0


def find_words(shown: str, words: str, before: int) -> list[tuple[int, int]]:
    """Return where words stand on a page: (first, end) in its folded letters, in one piece or in several.

    before: how often they stand earlier on the page. What a page's columns or a table's cells cut apart is found line
    by line and cell by cell.
    """
    wanted, at = folded(words)[0], -1
    for _ in range(before + 1):
        later = shown.find(wanted, at + 1) if wanted else -1
        at = later if later >= 0 else at
    if at >= 0:
        return [(at, at + len(wanted))]
    return _pieces(shown, [folded(part)[0] for part in re.split(r"\n|\t| \| |\|", words)])


def _pieces(shown: str, parts: Sequence[str]) -> list[tuple[int, int]]:
    found, after = [], 0
    for part in parts:
        at = shown.find(part, after) if len(part) >= SHORTEST else -1
        at = shown.find(part) if at < 0 and len(part) >= SHORTEST else at
        if at >= 0:
            found.append((at, at + len(part)))
            after = at + len(part)
    return found
