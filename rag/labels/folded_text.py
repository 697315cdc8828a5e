"""A text in a form in which spelling habits make no difference, with the way back to its own characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from rag.core.invisible_characters import remove_invisible

_SAME = {
    **dict.fromkeys("‘’‚‛`´′‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
}
_CURRENCY = frozenset("€$£¥₹")
_UNIT_SIGNS = frozenset("%‰°")


class FoldedText:
    """A text without differences of case, space, quotation marks, dashes, ligatures and invisible characters.

    Between a number and its unit or currency stands no space: "24 V" is "24v", and so is "24V". folded: that form.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        characters: list[str] = []
        self._places: list[int] = []  # of each folded character, its place in the text
        for place, character in _folded_characters(text):
            if character == " " and (not characters or characters[-1] == " "):
                continue
            if len(characters) > 1 and characters[-1] == " " and _joins(characters[-2], character):
                characters.pop()
                self._places.pop()
            characters.append(character)
            self._places.append(place)
        if characters and characters[-1] == " ":
            characters.pop()
            self._places.pop()
        self.folded = "".join(characters)

    def find(self, wanted: str, start: int = 0) -> tuple[int, int, int] | None:
        """Return (start, end) of the next place of a folded text, and where in the folded form to look for another.

        start: where in the folded form to begin. A place never begins or ends within a character of the text.
        """
        while (at := self.folded.find(wanted, start)) >= 0:
            start, after = at + 1, at + len(wanted)
            first, last = self._places[at], self._places[after - 1]
            if (at and self._places[at - 1] == first) or (after < len(self._places) and self._places[after] == last):
                continue
            if unicodedata.combining(self.text[last + 1 : last + 2] or " "):
                continue
            return first, last + 1, start
        return None


def _joins(before: str, after: str) -> bool:
    """Return whether a space between two characters stands between a number and its unit or currency."""
    if before.isdigit():
        return after.isalpha() or after in _UNIT_SIGNS or after in _CURRENCY
    return before in _CURRENCY and after.isdigit()


def _folded_characters(text: str) -> Iterator[tuple[int, str]]:
    before = ""
    for place, character in enumerate(text):
        for folded in _fold(character, before.isalpha()):
            yield place, folded
        before = character


@lru_cache(8192)
def _fold(character: str, after_letter: bool) -> str:
    """Return what stands for a character. A raised digit is the digit only after a letter: m², but not 10²."""
    if character.isspace():
        return " "
    if character in _SAME:
        return _SAME[character]
    if not character.isascii() and not remove_invisible(character):
        return ""
    if unicodedata.category(character) == "No" and not (after_letter and character.isdigit()):
        return character
    return "".join(" " if each.isspace() else each for each in unicodedata.normalize("NFKD", character).casefold())
