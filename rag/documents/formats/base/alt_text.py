"""How authors describe their pictures, and what only looks like a description."""

from __future__ import annotations

import re

from rag.documents.formats.base.sections import flat

BY_A_PROGRAM = re.compile(r"\s*(Description automatically generated|Automatically generated description).*", re.S)
# The name of a file, and what programs call a picture, describe nothing.
NO_DESCRIPTION = re.compile(
    r"\S+\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)|(picture|image|img|graphic|grafik|bild|photo|object)[\s_]*\d*",
    re.I,
)


def described(words: str) -> str:
    """Return what a description says of a picture, "" where it only names its file or its kind."""
    words = flat(BY_A_PROGRAM.sub("", words))
    return "" if NO_DESCRIPTION.fullmatch(words) else words
