"""Formulas in Office files, on one line of text."""

from __future__ import annotations

from typing import Any

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def formula_text(element: Any) -> str:
    """Return a formula on one line, such as (a+b)/(2c)."""
    name = element.tag.removeprefix(MATH)
    if name == "t":
        return element.text or ""
    if name == "f":
        return f"({_part(element, 'num')})/({_part(element, 'den')})"
    if name == "rad":
        degree = _part(element, "deg")
        return f"{'' if degree in ('', '2') else degree}√({_part(element, 'e')})"
    if name in ("sSup", "sSub", "sSubSup"):
        low, high = (_part(element, which) for which in ("sub", "sup"))
        return _part(element, "e") + (f"_{low}" if low else "") + (f"^{high}" if high else "")
    if name == "d":
        return f"({', '.join(formula_text(part) for part in element.findall(f'{MATH}e'))})"
    return "".join(formula_text(child) for child in element)


def _part(element: Any, name: str) -> str:
    part = element.find(f"{MATH}{name}")
    return "" if part is None else formula_text(part)
