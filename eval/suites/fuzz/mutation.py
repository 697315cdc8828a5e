"""Broken inputs made from good ones: bits, pieces and numbers of them changed at random."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Sequence

ODD_BYTES = (
    b"\0",
    b"\xff",
    b"\x80",
    b"\r",
    b"\n\n",
    b"\x1b",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xe2\x80\xae",
)
ODD_TEXTS = (
    b"0", b"-1", b"99999999999999999999", b"1e999", b"nan", b"null", b"true", b"[]", b"{}", b"[[[[[[[[", b'"', b"'",
    b"\\", b"\\u0000", b"\\ud800", b"../", b"/etc/passwd", b"%s%n", b"<!--", b"]]>", b"<a", b"&#x0;", b"&amp", b"=1+1",
    b"|", b"```", b"---", b"\t", b",", b";", b"::", b"(", b")", b">>", b"endobj", b"BEGIN:VCALENDAR", b"From ",
)  # fmt: skip
ZIP = b"PK\x03\x04"
Check = Callable[[random.Random], object]  # makes an input, and gives it to what is tested
LONGEST = 200_000  # bytes of an input


def mutated(seeds: Sequence[bytes], draw: random.Random) -> bytes:
    """Return one of the seeds with some changes, few more often than many."""
    data = bytearray(draw.choice(seeds))
    for _ in range(1 + int(draw.expovariate(0.5))):
        draw.choice(_CHANGES)(data, seeds, draw)
    return bytes(data[:LONGEST])


def mutated_member(seeds: Sequence[bytes], draw: random.Random) -> bytes:
    """Return one of the seeds, which are zip archives, with changes inside one of its members."""
    whole, out = zipfile.ZipFile(io.BytesIO(draw.choice(seeds))), io.BytesIO()
    changed = draw.choice(whole.namelist())
    with zipfile.ZipFile(out, "w") as made:
        for name in whole.namelist():
            made.writestr(name, mutated([whole.read(name)], draw) if name == changed else whole.read(name))
    return out.getvalue()


def _place(data: bytearray, draw: random.Random) -> int:
    return draw.randrange(len(data) + 1)


def _flip(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _overwrite(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> None:
    at = _place(data, draw)
    data[at : at + draw.randrange(5)] = draw.randbytes(draw.randrange(5))


def _insert(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> None:
    at = _place(data, draw)
    data[at:at] = draw.choice((*ODD_BYTES, *ODD_TEXTS)) * draw.choice((1, 1, 1, 2, 50, 2000))


def _cut(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> None:
    at = _place(data, draw)
    del data[at : at + draw.choice((1, 8, 100, len(data)))]


def _repeat(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> None:
    at, length = _place(data, draw), draw.choice((1, 10, 100))
    data[at:at] = bytes(data[at : at + length]) * draw.choice((1, 5, 200))


def _splice(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> None:
    other, at = draw.choice(seeds), _place(data, draw)
    begin = draw.randrange(len(other) + 1)
    data[at:] = other[begin:]


_CHANGES = (_flip, _flip, _overwrite, _insert, _insert, _cut, _repeat, _splice)
