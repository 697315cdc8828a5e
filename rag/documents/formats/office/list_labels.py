"""Numbers before the items of lists in the forms that Office programs print them in."""

from __future__ import annotations

ROMAN = dict(
    zip("m cm d cd c xc l xl x ix v iv i".split(), (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), strict=True)
)


def roman(number: int) -> str:
    """Return a number from 1 up in small Roman letters."""
    text = ""
    for letters, value in ROMAN.items():
        text += letters * (number // value)
        number %= value
    return text


def letter(number: int) -> str:
    """Return the small letter of a number from 1 up, as Word counts: z, aa, bb."""
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def ordinal(number: int) -> str:
    """Return a number as 1st, 2nd, 3rd."""
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
