"""Numbers as a spreadsheet shows them: 0.075 in the format 0.0% is 7.5%."""

from __future__ import annotations

import re
from functools import lru_cache

from openpyxl.styles.numbers import BUILTIN_FORMATS
from xlfmt import format_value

LARGEST_EXACT = 1e15  # a float below it that is whole is shown without ".0"
LONGEST_FORMAT = 255  # characters; Excel allows no longer one
LITERAL = re.compile(r'("[^"]*"|\[[^\]]*\]|\\.)')  # parts of a format that are no letters of dates
DOT_OF_A_DATE = re.compile(r"(?<=[dmyh])\.(?!0)", re.I)  # xlfmt would take it for a decimal point
# Formats that each computer shows in its own way: dates are given as ISO has them, amounts without a currency. Those of
# amounts are written as openpyxl has them, which has lost their semicolons.
OF_THE_COMPUTER = {
    "mm-dd-yy": "yyyy-mm-dd",
    "m/d/yy h:mm": "yyyy-mm-dd h:mm",
    **{code: '#,##0_);(#,##0);"-"' for code in (BUILTIN_FORMATS[41], BUILTIN_FORMATS[42])},
    **{code: '#,##0.00_);(#,##0.00);"-"' for code in (BUILTIN_FORMATS[43], BUILTIN_FORMATS[44])},
}


def shown_value(value: object, code: str, date1904: bool = False) -> str:
    """Return the value of a cell as people see it in a cell of this format; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return shown_number(value, code, date1904)
    if isinstance(value, str) and code in ("", "General", "@"):
        return value
    try:
        return str(format_value(value, code, date1904))
    except (ArithmeticError, ValueError, IndexError, TypeError):
        return str(value)


@lru_cache(maxsize=100_000)  # sheets repeat dates and rates, and each takes a tenth of a millisecond
def shown_number(value: float, code: str, date1904: bool = False) -> str:
    """Return the number as people see it in a cell or chart of this format.

    code: an Excel number format such as "#,##0.00 €"; "" for none. date1904: whether days are counted from 1904. A
    format that hides the number gives "".
    """
    code = OF_THE_COMPUTER.get(code, code)
    if code in ("", "General") or len(code) > LONGEST_FORMAT:
        return _general(value)
    try:
        shown = format_value(value, _with_dots(code), date1904)
    except (ArithmeticError, ValueError, IndexError, TypeError):  # a format that is none, a day before the first
        return _general(value)
    text = " ".join(shown.split())
    if text.startswith("###") or (value and not text and ";" not in code):
        return _general(value)  # a date before the first one, a format that is none
    if value < 0 and shown.color and re.search("[1-9]", text) and not re.search("[-−(]", text):
        return f"-{text}"  # the format tells it by the colour alone
    return text


def _with_dots(code: str) -> str:
    parts = LITERAL.split(code)
    return "".join(part if n % 2 else DOT_OF_A_DATE.sub(r"\\.", part) for n, part in enumerate(parts))


def _general(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < LARGEST_EXACT):
        return str(int(value))
    return f"{value:.10g}"  # as many digits as Excel has room for
