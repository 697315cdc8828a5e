"""Bytes -> text, whatever the encoding."""

from __future__ import annotations

import codecs
import re

from rag.core.errors import DocumentError

MARKED = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
MARKS = tuple(MARKED)  # those of UTF-32 first, since they begin as those of UTF-16
GUESSED = (
    "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 iso8859_2 koi8_r cp932 euc_jp gb18030 big5 cp949".split()
)
EVIDENCE = 12  # bytes beyond ASCII below which a guess is no better than Windows-1252
SAMPLE = 65_536  # bytes that are looked at where an encoding has to be guessed
NOT_TEXT = DocumentError("binary data, not text", remedy="give it the suffix of its format, or name it in .ragignore")


def decode(data: bytes) -> str:
    """-> the text, its line ends as Python's open() gives them. Byte order mark, UTF-8, UTF-16 and UTF-32 without a mark, then the best guess.

    Raises DocumentError for binary data. What can't be decoded becomes U+FFFD.
    """
    text = data.decode(encoding_of(data), errors="replace")
    if _is_binary(text[:SAMPLE]):
        raise NOT_TEXT
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(data: bytes) -> str:
    for mark, name in MARKED.items():
        if data.startswith(mark):
            return name
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if b"\0" not in data:
            return "utf-8"
    if b"\0" in data:
        return _wide(data[:SAMPLE])
    return _guess(data)


def _wide(data: bytes) -> str:
    """UTF-16 or UTF-32 without a byte order mark, told by where the zeros are: most text has many characters below 256."""
    zeros = [data[i::4].count(0) / max(1, len(data[i::4])) for i in range(4)]
    for name, full, empty in (
        ("utf-32-le", (0,), (2, 3)),
        ("utf-32-be", (3,), (0, 1)),
        ("utf-16-le", (0, 2), (1, 3)),
        ("utf-16-be", (1, 3), (0, 2)),
    ):
        if (
            len(data) % (4 if "32" in name else 2) == 0
            and all(zeros[i] < 0.05 for i in full)
            and all(zeros[i] > 0.3 for i in empty)
        ):
            return name
    raise NOT_TEXT


def _guess(data: bytes) -> str:
    """An encoding of one or more bytes a character. Windows-1252 where the evidence is thin: it is what such a file most often is in the West."""
    from charset_normalizer import from_bytes

    foreign = re.compile(rb"[\x80-\xff]").search(data)
    sample = data[foreign.start() :][:SAMPLE] if foreign else b""
    if len(sample) == SAMPLE:
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b" "))]  # not within a character
    if sum(byte > 127 for byte in sample) < EVIDENCE:
        return "cp1252"
    found = from_bytes(sample, cp_isolation=GUESSED).best()
    return found.encoding if found else "cp1252"


def _is_binary(text: str) -> bool:
    """More than one control or undecodable character in a hundred is no text."""
    strange = len(re.findall("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffd]", text))
    return "\0" in text or strange > 0.01 * len(text) + 1
