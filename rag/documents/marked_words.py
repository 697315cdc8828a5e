"""Where words of a document's text stand among the letters of its page, which come in another order and spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

ANCHOR = 3  # letters at least of a part of the words that is looked for anywhere on the page
NEAR = 300  # letters from there at most to the other parts


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

    before: how often they stand earlier on the page. What columns or a table's cells cut apart is found line by line
    and cell by cell, around the part that stands there least often; names of columns that a text has before each cell
    need not stand there.
    """
    wanted, at = folded(words)[0], -1
    for _ in range(before + 1):
        later = shown.find(wanted, at + 1) if wanted else -1
        at = later if later >= 0 else at
    if at >= 0:
        return [(at, at + len(wanted))]
    parts = [folded(part)[0] for part in re.split(r"\n|\t|\||;\s", words)]
    cells = [folded(cell)[0] for cell in re.findall(r"(?:^|;\s)[^:;\n]+:\s([^;\n]+)", words)]
    return _pieces(shown, parts) or _pieces(shown, cells)


def _pieces(shown: str, parts: Sequence[str]) -> list[tuple[int, int]]:
    """Return where parts stand near the rarest of them; nothing where it is short, or stands nowhere."""
    places = {part: [each.start() for each in re.finditer(re.escape(part), shown)] for part in parts if part}
    rare = [part for part, found in places.items() if found and len(part) >= ANCHOR]
    if not rare:
        return []
    anchor = places[min(rare, key=lambda part: (len(places[part]), -len(part)))][0]
    nearest = {part: min(found, key=lambda at: abs(at - anchor)) for part, found in places.items() if found}
    return sorted((at, at + len(part)) for part, at in nearest.items() if abs(at - anchor) <= NEAR)
