"""What a page shows without text of its own: descriptions of pictures, what forms hold, and what can't be read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rag.documents.formats.base.alt_text import described
from rag.documents.formats.base.sections import flat

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

SMALLEST_PICTURE = 32  # pixels wide and high; smaller ones are icons, and those of one count readers
MOST_CHOICES = 12  # of a list to choose from that are named
WITHOUT_VALUE = ("hidden", "password", "file", "image")
EMBEDDED = {
    "iframe": "embedded page",
    "object": "embedded object",
    "embed": "embedded object",
    "video": "video",
    "audio": "sound",
    "canvas": "drawing",
}


def show_controls(soup: BeautifulSoup) -> Counter[str]:
    """Put what pictures and forms show into them as text; return what can't be read, and how often.

    This comes before hidden elements are dropped, which then lose this text as well.
    """
    not_read = Counter(
        EMBEDDED[tag.name] for tag in soup(list(EMBEDDED)) if not tag.find_parent(["noscript", "template"])
    )
    for picture in soup("img"):
        if words := described(str(picture.get("alt", ""))):
            picture.append(f" [Picture: {words}] ")
        elif not picture.has_attr("alt") and not _is_small(picture):
            not_read["picture without text"] += 1
    for title in (title for drawing in soup("svg") for title in drawing("title")):
        title.name, title.string = "span", f" [Picture: {flat(title.get_text())}] "
    for field in soup("input"):
        if value := _value(field):
            field.append(f" {value} ")
    for choices in soup("select"):
        _show_choice(choices)
    return not_read


def _is_small(picture: Tag) -> bool:
    sizes = [str(picture.get(name, "")).removesuffix("px").strip() for name in ("width", "height")]
    return any(size.isdecimal() and int(size) < SMALLEST_PICTURE for size in sizes)


def _value(field: Tag) -> str:
    kind = str(field.get("type", "text")).lower()
    if kind in ("checkbox", "radio"):
        return "☒" if field.has_attr("checked") else "☐"
    return "" if kind in WITHOUT_VALUE else flat(str(field.get("value", "")))


def _show_choice(choices: Tag) -> None:
    """Replace what can be chosen by what is, with the others beside it."""
    options = choices("option")
    names = [flat(option.get_text()) or str(option.get("label", "")) for option in options]
    chosen = [name for name, option in zip(names, options, strict=True) if option.has_attr("selected")]
    chosen = chosen or ([] if choices.has_attr("multiple") else names[:1])
    others = ", ".join(name for name in names if name)
    choices.clear()
    choices.append(f" {', '.join(chosen)}{f' [choices: {others}]' if 1 < len(names) <= MOST_CHOICES else ''} ")
