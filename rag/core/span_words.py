"""The words of a text at which a quoted answer can start and end."""

from __future__ import annotations

import regex

from rag.core.words import UNSPACED

_LETTER = rf"[[\w\p{{N}}]--[{UNSPACED}]]"
_CURRENCY = "£$€¥₹"
WORD = regex.compile(
    rf"""(?V1)
    (?<!{_LETTER}) (?:\p{{L}}\.){{2,}} (?!{_LETTER})                      # p.m., U.S.
    | (?<!{_LETTER}|[{_CURRENCY}])
      (?:[{_CURRENCY}]|(?<![^\s"'“‘„(<])(?:--?|\+|@|\.|~?\.{{0,2}}/)(?={_LETTER}))?   # £5, --dry-run, /etc, +49
      {_LETTER}+ (?:(?<=\d)[.,:/](?=\d){_LETTER}+)*
      (?:[ ]?[%‰{_CURRENCY}](?!{_LETTER})|(?<=\p{{L}})(?:\+\+|\#)(?!{_LETTER}))?       # 5 %, 50 €, C++
    | (?:\p{{Katakana}}|ー)+ | \p{{Hiragana}}+ | [{UNSPACED}]\p{{M}}*      # scripts without spaces""",
    regex.X,
)
