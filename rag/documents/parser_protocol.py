"""What the indexing and its parser process say to each other: frames of JSON, and the document as it is.

The parser process reads hostile files, so a reply is data alone, and taken only in the expected form.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import IO, Any

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.core.table_cell import TableCell
from rag.documents.formats.base.sections import Parsed, Section
from rag.documents.formats.base.source_code import SYNTAX

OUT_OF_MEMORY = 77  # exit status of a parser process whose file needed more memory than is allowed
LAST_PAGE = 2**31  # SQLite, where page numbers are kept, takes none beyond 2**63
_LENGTH = struct.Struct(">Q")  # before each frame: its length in bytes


class ProtocolError(Exception):
    """What came through the pipe is cut off, too long, or not of the expected form."""


def write_frame(pipe: IO[bytes], payload: bytes) -> None:
    """Write the payload's length and the payload."""
    pipe.write(_LENGTH.pack(len(payload)))
    pipe.write(payload)


def read_frame(pipe: IO[bytes], most: int | None = None) -> bytes | None:
    """Read one frame; None where the pipe has ended.

    most: bytes that a frame may have. Raises ProtocolError where it is longer, or cut off.
    """
    head = pipe.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise ProtocolError("a frame is cut off")
    (length,) = _LENGTH.unpack(head)
    if most is not None and length > most:
        raise ProtocolError(f"a frame of {length:,} bytes")
    payload = pipe.read(length)
    if len(payload) < length:
        raise ProtocolError("a frame is cut off")
    return payload


def write_request(pipe: IO[bytes], name: str, data: bytes, settings: DocumentSettings) -> None:
    """Send a file's name, its bytes and the limits of parsing."""
    write_frame(pipe, json.dumps({"name": name, "settings": dataclasses.asdict(settings)}).encode())
    write_frame(pipe, data)
    pipe.flush()


def read_request(pipe: IO[bytes]) -> tuple[str, bytes, DocumentSettings] | None:
    """Read the next file's name, bytes and limits; None where no more will come."""
    head, data = read_frame(pipe), read_frame(pipe)
    if head is None or data is None:
        return None
    request = json.loads(head)
    return request["name"], data, DocumentSettings(**request["settings"])


def encode_parsed(parsed: Parsed) -> bytes:
    """Encode text and sections; each name is written once, however many sections stand below the heading."""
    names: dict[str, int] = {}

    def number(name: str) -> int:
        return names.setdefault(name, len(names))

    sections = [
        (s.start, s.end, list(map(number, s.headings)), s.page, s.syntax)
        + ([(c.start, c.end, c.row, number(c.row_name), number(c.column)) for c in s.cells],)
        for s in parsed.sections
    ]
    reply = {"text": parsed.text, "names": list(names), "sections": sections, "unread": parsed.unread}
    return json.dumps(reply, ensure_ascii=False).encode()


def encode_error(error: DocumentError) -> bytes:
    """Encode why a file cannot be read."""
    return json.dumps({"reason": error.reason, "remedy": error.remedy}).encode()


def decode_reply(payload: bytes) -> Parsed:
    """Return the text and sections of a reply, and what could not be read.

    Raises DocumentError where the reply is one, ProtocolError where it does not have the expected form.
    """
    try:
        reply = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a reply that is not JSON: {error}") from error
    _require(isinstance(reply, dict))
    if reply.keys() == {"reason", "remedy"}:
        raise DocumentError(_text(reply["reason"]), _text(reply["remedy"]))
    _require(reply.keys() == {"text", "names", "sections", "unread"})
    text = _text(reply["text"])
    names = [_text(name) for name in _list(reply["names"])]
    sections = [_section(row, names, len(text)) for row in _list(reply["sections"])]
    return Parsed(text, sections, tuple(_text(line) for line in _list(reply["unread"])))


def _section(row: Any, names: list[str], longest: int) -> Section:
    start, end, path, page, syntax, cells = _list(row, 6)
    _require(_is_int(start) and _is_int(end) and 0 <= start <= end <= longest)
    _require(page is None or (_is_int(page) and 0 < page <= LAST_PAGE))
    _require(syntax is None or syntax in SYNTAX.values())
    _require(all(_is_number_of(n, names) for n in _list(path)))
    found = tuple(_cell(cell, names, start, end) for cell in _list(cells))
    return Section(start, end, tuple(names[n] for n in path), page, syntax, found)


def _cell(cell: Any, names: list[str], first: int, last: int) -> TableCell:
    start, end, row, row_name, column = _list(cell, 5)
    _require(_is_int(start) and _is_int(end) and first <= start <= end <= last)
    _require(_is_int(row) and 0 <= row <= last and _is_number_of(row_name, names) and _is_number_of(column, names))
    return TableCell(start, end, row, names[row_name], names[column])


def _is_number_of(value: Any, names: list[str]) -> bool:
    return _is_int(value) and 0 <= value < len(names)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list(value: Any, length: int | None = None) -> list[Any]:
    _require(isinstance(value, list) and length in (None, len(value)))
    items: list[Any] = value
    return items


def _text(value: Any) -> str:
    """Return a text that can be stored: no NUL, and no half of a surrogate pair, which JSON's escapes can spell."""
    _require(isinstance(value, str) and "\0" not in value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ProtocolError("a reply with half characters") from error
    text: str = value
    return text


def _require(condition: bool) -> None:
    if not condition:
        raise ProtocolError("a reply that does not have the expected form")
