"""The difference of two values that stand in passages, as a sum that can be checked: "14 days − 10 days = 4 days"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from rag.answering.wording.quantities import Quantity, find_quantities

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_SIGNS = {"pound": "£", "dollar": "$", "euro": "€"}
_LEAP_YEAR, _OTHER_YEAR = 2024, 2023
_HALF_YEAR = 183  # days; of two dates further apart either may be the earlier one
_WRITTEN_OUT = {"m": "metre", "km": "kilometre", "cm": "centimetre", "mm": "millimetre", "kg": "kilogram", "t": "tonne"}
_WRITTEN_OUT |= {"h": "hour", "hr": "hour", "min": "minute", "p": "pence", "l": "litre", "kn": "knot"}
# Days and hours of these kinds are not those of another.
_KINDS = frozenset({"working", "calendar", "clear", "business", "running"})
_GLUED = re.compile(r"(\d)(?!(?:st|nd|rd|th)\b)(?=[a-z])", re.I)  # 40p, 12kg


@dataclass(frozen=True)
class Difference:
    """How far two values are apart, with the unit. first_is_larger: or later."""

    text: str
    first_is_larger: bool


def find_difference(first: str, second: str) -> Difference | None:
    """Return how far the values in two texts are apart.

    first, second: answers such as "14 days" and "10 days a year"; each with one value. None where they have no value,
    several, or values of different kinds.
    """
    one, other = _only_value(first), _only_value(second)
    if not one or not other:
        return None
    if one.units[:1] == other.units[:1] == ("time",):
        apart = _minute(one) - _minute(other)
        return Difference(_minutes(abs(apart)), apart >= 0)
    if one.units[:1] == other.units[:1] == ("date",):
        return _days(one, other)
    return _numbers(one, other)


def are_comparable(first: str, second: str) -> bool:
    """Return whether two texts have one value each, both with a unit or neither: "14 days" and "two weeks"."""
    one, other = _only_value(first), _only_value(second)
    return one is not None and other is not None and bool(one.units) == bool(other.units)


def _only_value(text: str) -> Quantity | None:
    found = find_quantities(_GLUED.sub(r"\1 ", text))
    return found[0] if len(found) == 1 else None


def _numbers(one: Quantity, other: Quantity) -> Difference | None:
    ours, theirs = ([_WRITTEN_OUT.get(unit, unit) for unit in quantity.units] for quantity in (one, other))
    units = [unit for unit in ours if unit in theirs]
    if _KINDS & set(ours) ^ _KINDS & set(theirs):
        return None
    if "year" in units and one.words.isdigit() != other.words.isdigit():
        return None  # the year 2025 and five years
    if not units and (ours and theirs or set(ours + theirs) & {*_SIGNS, "%", "date", "time", "year"}):
        return None
    try:
        apart = Decimal(one.number) - Decimal(other.number)
    except InvalidOperation:
        return None  # 1.2.3
    return Difference(_with_unit(abs(apart), units or ours or theirs), apart >= 0)


def _with_unit(number: Decimal, units: list[str]) -> str:
    if units and units[0] in _SIGNS:
        return f"{_SIGNS[units[0]]}{number:,.0f}" if number == int(number) else f"{_SIGNS[units[0]]}{number:,.2f}"
    if units and units[0] == "%":
        return f"{number.normalize():f} percentage points"
    return _counted(number, " ".join(units))


def _counted(number: Decimal, unit: str) -> str:
    plural = unit and number != 1 and len(unit) > 2 and not unit.endswith(("s", "pence"))
    return f"{number.normalize():,f} {unit}{'s' if plural else ''}".strip()


def _minute(time: Quantity) -> int:
    hours, minutes = time.number.split(":")
    return 60 * int(hours) + int(minutes)


def _minutes(count: int) -> str:
    hours, minutes = divmod(count, 60)
    parts = [(hours, "hour"), (minutes, "minute")]
    said = " ".join(f"{n} {unit}{'s' if n != 1 else ''}" for n, unit in parts if n)
    return said or "0 minutes"


def _days(one: Quantity, other: Quantity) -> Difference | None:
    """Return the days between two dates of one year, None where that depends on the year."""
    found = set()
    for year in (_LEAP_YEAR, _OTHER_YEAR):
        try:
            first, second = (
                date(year, _MONTHS.index(month) + 1, int(day)) for day, month in map(_day_and_month, (one, other))
            )
        except ValueError:
            return None
        found.add((first - second).days)
    apart = found.pop()
    if found or abs(apart) > _HALF_YEAR:
        return None
    return Difference(_counted(Decimal(abs(apart)), "day"), apart >= 0)


def _day_and_month(quantity: Quantity) -> tuple[str, str]:
    day, _, month = quantity.number.partition(" ")
    return day, month
