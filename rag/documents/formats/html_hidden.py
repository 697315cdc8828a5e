"""What a page's markup keeps from its readers' eyes: hidden elements, and text in the colour of its background or too small to read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

Look = dict[str, str]  # CSS property -> value, in small letters without blanks at the ends
Rules = dict[tuple[str, str, str], Look]  # (tag, id, class), "" where any will do -> look
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SIMPLE = re.compile(r"([a-z][a-z0-9]*)?(?:#([\w-]+)|\.([\w-]+))?", re.I)  # selectors beyond these are not followed
ZERO = re.compile(r"[+-]?(?:0+\.?0*|\.0+)(?:px|pt|em|rem|%|vh|vw|cm|mm|in|ex|ch)?")
TINY = re.compile(r"(?:[0-2](?:\.\d*)?|\.\d+)(?:px|pt)|0?\.[01]\d*r?em|1?\d(?:\.\d*)?%")
AWAY = re.compile(r"-\d{3,}(?:\.\d*)?(?:px|pt|em|rem|%|vw|vh)?")
CLEAR = re.compile(r"(?:rgb|hsl)a?\((?:(?:[^,]*,){3}|[^/]*/)\s*(?:0+\.?0*|\.0+)%?\s*\)")
LIGHT = 240  # least of each part of a light colour, 255 being white


@dataclass(frozen=True)
class Ink:
    """How an element's text is drawn, as its children inherit it. gone: not at all. clear: in no colour. light: in white, nearly. paper: on what is white,
    nearly."""

    gone: bool = False
    small: bool = False
    hidden: bool = False
    clear: bool = False
    light: bool = False
    paper: bool = True

    @property
    def unseen(self) -> bool:
        return self.gone or self.small or self.hidden or self.clear or self.light and self.paper


def drop_hidden(soup: Any) -> None:
    """Take out of the parsed page the text that its own markup and its simple style rules (`tag`, `.class`, `#id`) hide. Scripts are not run, style sheets
    from elsewhere are not fetched: what those show or hide stays as the markup has it."""
    rules, inks = _rules(soup), {id(soup): Ink()}
    for tag in soup.find_all(True):
        ink, look = inks[id(tag.parent)], _look(tag, rules)
        if tag.has_attr("hidden") or str(tag.get("aria-hidden", "")).lower() == "true" or _is_away(look):
            ink = replace(ink, gone=True)
        inks[id(tag)] = _inked(look, ink) if look else ink
    for text in soup.find_all(string=True):
        if inks[id(text.parent)].unseen and text.parent.name not in ("style", "script", "title"):
            text.replace_with("")


def _rules(soup: Any) -> Rules:
    """-> the looks of the page's style sheets, less those for other media."""
    rules: Rules = {}
    for sheet in soup("style"):
        text = re.sub(r"/\*.*?\*/", "", sheet.get_text(), flags=re.S)
        text = re.sub(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})", "", text)
        for selectors, body in RULE.findall(text):
            for selector in filter(SIMPLE.fullmatch, map(str.strip, selectors.split(","))):
                tag, id_, class_ = (part or "" for part in SIMPLE.fullmatch(selector).groups())  # type: ignore[union-attr]
                rules.setdefault((tag.lower(), id_, class_), {}).update(_declared(body))
    return rules


def _declared(css: str) -> Look:
    pairs = (declaration.partition(":") for declaration in css.lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs if value}


def _look(tag: Any, rules: Rules) -> Look:
    """-> what is declared for the element itself: by tag, class, id, old attributes and its own style, the later the stronger."""
    look: Look = {}
    for id_, class_ in [("", ""), *(("", class_) for class_ in tag.get("class") or ()), (tag.get("id") or "", "")]:
        for name in ("", tag.name):
            look.update(rules.get((name, id_, class_), {}))
    old = {"color": tag.get("color") or tag.get("text"), "background": tag.get("bgcolor") or tag.get("background")}
    look.update({name: value.lower().strip() for name, value in old.items() if value})
    return {**look, **_declared(tag["style"])} if tag.get("style") else look


def _is_away(look: Look) -> bool:
    """Whether the element is not drawn, whatever stands in it: switched off, clear, without extent, or beside the page."""
    away = any(
        AWAY.fullmatch(look.get(side, ""))
        for side in ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
    )
    shut = look.get("overflow") == "hidden" and any(
        ZERO.fullmatch(look[side]) for side in ("width", "height", "max-height") if look.get(side)
    )
    return (
        away
        or shut
        or look.get("display") == "none"
        or look.get("content-visibility") == "hidden"
        or bool(ZERO.fullmatch(look.get("opacity", "")))
    )


def _inked(look: Look, outer: Ink) -> Ink:
    """-> how an element of this look draws its text, inside one that draws its own like `outer`."""
    changed: dict[str, bool] = {}
    if size := look.get("font-size"):
        changed["small"] = bool(ZERO.fullmatch(size) or TINY.fullmatch(size))
    if shown := look.get("visibility"):
        changed["hidden"] = shown in ("hidden", "collapse")
    if color := look.get("color", "").replace("inherit", ""):
        changed["clear"], changed["light"] = (
            color == "transparent" or CLEAR.fullmatch(color) is not None,
            _is_light(color),
        )
    ground = look.get("background-color") or look.get("background") or look.get("background-image", "")
    if ground and ground not in ("transparent", "none", "inherit", "initial"):
        changed["paper"] = _is_light(ground)
    return replace(outer, **changed)


def _is_light(color: str) -> bool:
    if found := re.fullmatch(r"#?([0-9a-f]{3}|[0-9a-f]{6})", color):
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
        return all(int(digits[at : at + 2], 16) >= LIGHT for at in (0, 2, 4))
    if found := re.fullmatch(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3}).*\)", color):
        return all(int(part) >= LIGHT for part in found.groups())
    return color in ("white", "snow", "ivory", "whitesmoke", "ghostwhite", "floralwhite")
