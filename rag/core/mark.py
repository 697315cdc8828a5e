"""A mark: characters of a text that its readers do not see as they stand."""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """Characters of a text that are not shown as they stand.

    shown: what stands for them, mostly nothing. aside: they are shown, but apart from the text around them: the address
    of a link. border: what is before them and what is after them are apart: cells of a table.
    """

    start: int
    end: int
    shown: str = ""
    aside: bool = False
    border: bool = False
