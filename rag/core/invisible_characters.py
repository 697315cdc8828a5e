"""Characters without width or form, which can carry words that only a machine reads."""

from __future__ import annotations

import re

# Formatting characters (Unicode category Cf), fillers and variation selectors. The range from U+E0000 spells ASCII in
# characters that nothing shows.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# Joiners between characters beyond ASCII change how these look (Persian, Hindi, emoji), and stay.
_HIDDEN = re.compile(f"[{_INVISIBLE}]|[\u200c\u200d](?![^\\x00-\\x7f])|(?<![^\\x00-\\x7f])[\u200c\u200d]")


def remove_invisible(text: str) -> str:
    """Return the text without invisible characters."""
    return text if text.isascii() else _HIDDEN.sub("", text)
