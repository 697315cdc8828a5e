"""What a page's markup hides: hidden elements, text in the colour of its background, text too small to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinycss2.color4 import parse_color

from rag.documents.formats.text.css import Style, declared_styles

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from tinycss2.ast import Node

TINY = {"px": 3, "pt": 3, "em": 0.2, "rem": 0.2, "%": 20}  # font sizes below these are too small to read
FAR = -100  # an offset of so many px, em or other units moves an element off the page
LIGHT = 240 / 255  # the least red, green and blue of a light colour, white having 1
OFFSETS = ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
EXTENTS = ("width", "height", "max-height")
INHERITED = frozenset(("inherit", "unset", "currentcolor"))
UNCHANGED = frozenset(("transparent", "none", "inherit", "initial", "unset", "revert"))  # backgrounds


@dataclass(frozen=True)
class TextStyle:
    """How the text of an element is drawn, as its children inherit it.

    removed: not at all. light: in white or nearly so. on_light: on a light background, as pages have.
    """

    removed: bool = False
    tiny: bool = False
    invisible: bool = False
    transparent: bool = False
    light: bool = False
    on_light: bool = True

    @property
    def hidden(self) -> bool:
        """Return whether a reader does not see the text."""
        return self.removed or self.tiny or self.invisible or self.transparent or (self.light and self.on_light)


def drop_hidden(soup: BeautifulSoup) -> None:
    """Remove from the parsed page the text that its own markup and style rules hide.

    Scripts are not run and style sheets from elsewhere are not fetched: what those show or hide stays as the markup
    has it.
    """
    styles, drawn = declared_styles(soup), {id(soup): TextStyle()}
    for tag in soup.find_all(True):
        inherited, style = drawn[id(tag.parent)], styles.get(id(tag), {})
        if tag.has_attr("hidden") or str(tag.get("aria-hidden", "")).lower() == "true" or _is_removed(style):
            inherited = replace(inherited, removed=True)
        drawn[id(tag)] = _drawn(style, inherited) if style else inherited
    for text in soup.find_all(string=True):
        parent = text.parent
        if parent and drawn[id(parent)].hidden and parent.name not in ("style", "script", "title"):
            text.replace_with("")


def _is_removed(style: Style) -> bool:
    """Return whether nothing of the element is drawn: it is switched off, clear, without extent, or off the page."""
    if _keyword(style, "display") == "none" or _keyword(style, "content-visibility") == "hidden":
        return True
    if any(size <= FAR for name in OFFSETS for size, _ in _sizes(style, name)):
        return True
    clipped = _keyword(style, "overflow") == "hidden"
    empty = any(size == 0 for name in EXTENTS for size, _ in _sizes(style, name))
    return (clipped and empty) or any(size == 0 for size, _ in _sizes(style, "opacity"))


def _drawn(style: Style, outer: TextStyle) -> TextStyle:
    """Return how an element of this style draws its text, inside one that draws its own like `outer`."""
    changed: dict[str, bool] = {}
    for name in ("font", "font-size"):
        if name in style and _keyword(style, name) not in INHERITED:
            sizes = _sizes(style, name)[:1]
            changed["tiny"] = any(size == 0 or size < TINY.get(unit, 0) for size, unit in sizes)
    if (visibility := _keyword(style, "visibility")) not in ("", *INHERITED):
        changed["invisible"] = visibility in ("hidden", "collapse")
    if "color" in style and _keyword(style, "color") not in INHERITED:
        *channels, alpha = next(_colors(style["color"]), (0.0, 0.0, 0.0, 1.0))
        changed["transparent"], changed["light"] = alpha == 0, min(channels) >= LIGHT
    for name in ("background-image", "background", "background-color"):
        ground = [token for token in style.get(name, ()) if token.type not in ("whitespace", "comment")]
        if ground and not all(token.type == "ident" and token.lower_value in UNCHANGED for token in ground):
            colors = list(_colors(ground))
            # A picture or gradient may be dark, so that light text on it is seen.
            changed["on_light"] = len(colors) == len(ground) and min(colors[-1][:3]) >= LIGHT
    return replace(outer, **changed)


def _keyword(style: Style, name: str) -> str:
    """Return the first keyword of a property's value, "" where there is none."""
    return next((token.lower_value for token in style.get(name, ()) if token.type == "ident"), "")


def _sizes(style: Style, name: str) -> list[tuple[float, str]]:
    """Return the numbers of a property's value with their units; of `font`, numbers without a unit are weights."""
    units = {"percentage": "%", "number": ""}
    found = [
        (token.value, token.lower_unit if token.type == "dimension" else units[token.type])
        for token in style.get(name, ())
        if token.type in ("dimension", "percentage", "number")
    ]
    return [(size, unit) for size, unit in found if unit or size == 0] if name == "font" else found


def _colors(tokens: Iterable[Node]) -> Iterator[tuple[float, ...]]:
    """Yield red, green, blue and alpha, from 0 to 1, of each colour among the tokens."""
    for token in tokens:
        color = parse_color(token)
        if color is not None and color != "currentcolor" and color.space in ("srgb", "hsl", "hwb"):
            yield (*color.to("srgb").coordinates, color.alpha)
