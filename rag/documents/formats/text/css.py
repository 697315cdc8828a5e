"""The CSS declarations that hold for each element of a page, from style sheets in it, `style` and old attributes.

Style sheets from elsewhere are not fetched. Of conditional rules, those for all screens hold; what depends on the
width of a screen is seen by some readers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import tinycss2

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from tinycss2.ast import Declaration, Node

Style = dict[str, "list[Node]"]  # CSS property in lower case, and the tokens of its value
Specificity = tuple[int, int, int]  # ids, classes (with attributes and pseudo-classes), element names
Precedence = tuple[bool, bool, Specificity]  # !important, in the element's style attribute, specificity
# Selectors of several parts are matched against so many elements of a page, in about 3 s; later ones are not followed.
MOST_MATCHES = 100_000
LONGEST_SELECTOR = 1000  # characters
SCREENS = frozenset(("", "all", "screen", "only screen"))
HEX = re.compile(r"[0-9a-f]{3}|[0-9a-f]{6}", re.I)


@dataclass(frozen=True)
class Rule:
    """One selector, without the space around it, and the declarations of its rule."""

    selector: tuple[Node, ...]
    declarations: tuple[Declaration, ...]

    @property
    def specificity(self) -> Specificity:
        """Return the specificity (CSS Selectors 4, section 17), with `:not(...)` and its like as one class."""
        ids = sum(token.type == "hash" for token in self.selector)
        marks = sum(token in (".", ":") for token in self.selector)
        attributes = sum(token.type == "[] block" for token in self.selector)
        functions = sum(token.type == "function" for token in self.selector)
        names = sum(token.type == "ident" for token in self.selector)
        return ids, marks + attributes, names + functions - marks

    @property
    def key(self) -> str:
        """Return an id ("#a"), class (".a") or name ("a") that each matching element has, "" where none is plain."""
        found = {"#": "", ".": "", "": ""}
        before: Node | None = None
        for token in self.selector:
            if token.type == "whitespace" or token in (">", "+", "~"):
                found = dict.fromkeys(found, "")  # only the last part is about the element itself
            elif token.type == "hash":
                found["#"] = f"#{token.value}"
            elif token.type == "ident" and before == ".":
                found["."] = f".{token.value}"
            elif token.type == "ident" and before != ":":
                found[""] = token.lower_value
            before = token
        return found["#"] or found["."] or found[""]

    @property
    def simple(self) -> bool:
        """Return whether the key says all: the selector is one id, class or name."""
        kinds = [token.type for token in self.selector]
        return kinds in (["hash"], ["ident"]) or (kinds == ["literal", "ident"] and self.selector[0] == ".")


def declared_styles(soup: BeautifulSoup) -> dict[int, Style]:
    """Return the winning declarations of each element that has any, by the element's id()."""
    found: dict[int, list[tuple[Precedence, Declaration]]] = defaultdict(list)
    for rule, tag in _matches(soup):
        found[id(tag)] += [((d.important, False, rule.specificity), d) for d in rule.declarations]
    for tag in soup.find_all(True):
        own = [*_old_attributes(tag), *((True, d) for d in _declarations(str(tag.get("style", ""))))]
        if own:
            found[id(tag)] += [((d.important, in_style, (0, 0, 0)), d) for in_style, d in own]
    return {
        key: {d.lower_name: d.value for _, d in sorted(declared, key=lambda one: one[0])}
        for key, declared in found.items()
    }


def _old_attributes(tag: Tag) -> list[tuple[bool, Declaration]]:
    """Return the colours that HTML 3.2 gives as attributes; they give way to any rule."""
    if tag.attrs.keys().isdisjoint(("color", "text", "bgcolor", "background")):
        return []
    ground = tag.get("bgcolor") or (f"url({tag['background']})" if tag.get("background") else "")
    css = ""
    for name, value in (("color", tag.get("color") or tag.get("text")), ("background", ground)):
        css += f"{name}: {'#' if HEX.fullmatch(str(value)) else ''}{value};" if value else ""
    return [(False, declaration) for declaration in _declarations(css)]


def _matches(soup: BeautifulSoup) -> Iterator[tuple[Rule, Tag]]:
    """Yield each rule of the page's style sheets with each element that it matches, in the order of the rules."""
    sheets = [sheet for sheet in soup("style") if _is_for_screens(str(sheet.get("media", "")))]
    tags = _tags_by_key(soup) if sheets else {}
    left = MOST_MATCHES
    for sheet in sheets:
        for rule in _rules(tinycss2.parse_stylesheet(sheet.get_text(), skip_comments=True, skip_whitespace=True)):
            candidates = tags.get(rule.key, [])
            if not candidates:
                continue
            if not rule.simple:
                indexed = ":" in rule.selector  # :nth-child is matched in linear time over a whole page only
                left -= len(tags[""]) if indexed else len(candidates)
                if left < 0:
                    continue
                candidates = _selected(rule, soup if indexed else candidates)
            yield from ((rule, tag) for tag in candidates)


def _selected(rule: Rule, where: BeautifulSoup | list[Tag]) -> list[Tag]:
    import soupsieve  # takes a tenth of a second, which few pages need

    try:
        text = tinycss2.serialize(rule.selector)
        if len(text) > LONGEST_SELECTOR:
            return []
        selector = soupsieve.compile(text)
        return selector.filter(where) if isinstance(where, list) else list(selector.select(where))
    except (soupsieve.SelectorSyntaxError, NotImplementedError, RecursionError):
        return []  # ::before and the like


def _tags_by_key(soup: BeautifulSoup) -> dict[str, list[Tag]]:
    """Return the page's elements by "#id", ".class" and name, and all of them by ""."""
    found: dict[str, list[Tag]] = defaultdict(list)
    for tag in soup.find_all(True):
        for key in {"", tag.name, f"#{tag.get('id')}", *(f".{name}" for name in tag.get("class") or ())}:
            found[key].append(tag)
    return found


def _rules(nodes: list[Node]) -> Iterator[Rule]:
    for node in nodes:
        if node.type == "at-rule" and node.content:
            screens = node.lower_at_keyword == "media" and _is_for_screens(tinycss2.serialize(node.prelude))
            if screens or node.lower_at_keyword in ("supports", "layer"):
                yield from _rules(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True))
        elif node.type == "qualified-rule":
            declarations = tuple(_parsed(node.content))
            selectors = _selectors(node.prelude)
            if declarations and all(selectors):  # an empty selector makes the whole rule void
                yield from (Rule(selector, declarations) for selector in selectors)


def _selectors(prelude: list[Node]) -> list[tuple[Node, ...]]:
    """Split what stands before a rule's braces at its commas."""
    parts: list[list[Node]] = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        elif token.type != "comment" and (parts[-1] or token.type != "whitespace"):
            parts[-1].append(token)
    for part in parts:
        while part and part[-1].type == "whitespace":
            part.pop()
    return [tuple(part) for part in parts]


def _is_for_screens(media: str) -> bool:
    return any(" ".join(one.lower().split()) in SCREENS for one in media.split(","))


@lru_cache(1000)
def _declarations(style: str) -> list[Declaration]:
    return _parsed(style)


def _parsed(content: str | list[Node]) -> list[Declaration]:
    nodes = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    return [node for node in nodes if node.type == "declaration"]
