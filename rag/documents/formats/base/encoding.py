"""Decodes the bytes of a text file, whatever its encoding."""

from __future__ import annotations

import codecs
import re

from rag.core.errors import DocumentError

# Byte order marks; those of UTF-32 first, since they begin as those of UTF-16 do.
MARKED = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MARKS = tuple(MARKED)
GUESSED = (
    "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 iso8859_2 koi8_r mac_roman cp932 euc_jp gb18030 big5 "
    "cp949".split()
)
EVIDENCE = 12  # bytes beyond ASCII below which a guess is no better than Windows-1252
SAMPLE = 65_536  # bytes that an encoding is guessed from
FULL, EMPTY = 0.05, 0.3  # share of zeros at most where characters below 256 have their code, and at least elsewhere
# Encoding, which bytes of four have the code of a character below 256, and which are zero then.
WIDE = (
    ("utf-32-le", (0,), (2, 3)),
    ("utf-32-be", (3,), (0, 1)),
    ("utf-16-le", (0, 2), (1, 3)),
    ("utf-16-be", (1, 3), (0, 2)),
)
NOT_TEXT = DocumentError("binary data, not text", "give it the suffix of its format, or name it in .ragignore")


def decode(data: bytes) -> str:
    """Return the text, with line ends as Python's open() gives them.

    A byte order mark decides; then UTF-8, UTF-16 and UTF-32 without a mark are tried, then the encoding is guessed.
    What can't be decoded becomes U+FFFD. Raises DocumentError for binary data.
    """
    text = data.decode(encoding_of(data), errors="replace")
    if _is_binary(text[:SAMPLE]):
        raise NOT_TEXT
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(data: bytes) -> str:
    """Return the name of the encoding that `data` is most likely in. Raises DocumentError for binary data."""
    for mark, name in MARKED.items():
        if data.startswith(mark):
            return name
    if b"\0" in data:
        return _wide(data[:SAMPLE])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data)
    return "utf-8"


def _wide(data: bytes) -> str:
    """Recognise UTF-16 or UTF-32 by where the zeros are, as most text has many characters below 256."""
    zeros = [data[i::4].count(0) / max(1, len(data[i::4])) for i in range(4)]
    for name, codes, padding in WIDE:
        whole = len(data) % (4 if "32" in name else 2) == 0
        if whole and all(zeros[i] < FULL for i in codes) and all(zeros[i] > EMPTY for i in padding):
            return name
    raise NOT_TEXT


def _guess(data: bytes) -> str:
    """Guess an encoding of one or more bytes a character.

    Where there is little evidence, or others are no more likely, it is Windows-1252, in which most such files in the
    West are.
    """
    from charset_normalizer import from_bytes

    foreign = re.compile(rb"[\x80-\xff]").search(data)
    sample = data[foreign.start() :][:SAMPLE] if foreign else b""
    if len(sample) == SAMPLE:
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b" "))]  # not within a character
    if sum(byte > 127 for byte in sample) < EVIDENCE:
        return "cp1252"
    found = list(from_bytes(sample, cp_isolation=GUESSED))
    best = [match for match in found if (match.chaos, match.coherence) == (found[0].chaos, found[0].coherence)]
    western = any("cp1252" in match.could_be_from_charset for match in best)
    return "cp1252" if western or not best else best[0].encoding


def _is_binary(text: str) -> bool:
    """Return whether more than one character in a hundred is a control character or could not be decoded."""
    strange = len(re.findall("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffd]", text))
    return "\0" in text or strange > 0.01 * len(text) + 1
