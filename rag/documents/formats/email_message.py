"""E-mail: subject, sender and date as text, the body, and attachments of known formats."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser

from rag.core.errors import DocumentError
from rag.documents.formats.encoding import decode
from rag.documents.formats.html import parse_page
from rag.documents.formats.sections import Parsed, Section, flat

SHOWN = ("Subject", "From", "To", "Cc", "Date")
Reader = Callable[[str, bytes], Parsed]  # (file name, content) to text and sections; raises DocumentError


def parse_email(data: bytes, read: Reader) -> Parsed:
    """Return a message's head, body and attachments; its subject is the heading.

    read: reads an attachment; one that it can't read is named with the reason.
    """
    message = BytesParser(policy=policy.default).parsebytes(data)
    head = "\n".join(f"{name}: {value}" for name in SHOWN if (value := _header(message, name)))
    if not head:
        remedy = "save the message as .eml, or rename the file to what it is"
        raise DocumentError("no e-mail: it has neither subject, sender nor date", remedy)
    subject = (_header(message, "Subject"),) if _header(message, "Subject") else ()
    parts = [Parsed(f"{head}\n\n", [Section(0, len(head) + 2, subject)])]
    for part in _bodies(message, read):
        sections = [dataclasses.replace(s, headings=subject + s.headings) for s in part.sections]
        parts.append(part._replace(sections=sections))
    return _concatenated(parts)


def _bodies(message: EmailMessage, read: Reader) -> Iterator[Parsed]:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is not None:
        words = _content(body)
        if body.get_content_type() == "text/html":
            words = parse_page(words)[0]
        words = words.replace("\r\n", "\n").strip() + "\n\n"
        yield Parsed(words, [Section(0, len(words))])
    for part in message.walk():
        name = part.get_filename()
        if name and part is not body:
            yield _attachment(flat(name), part, read)


def _attachment(name: str, part: Message, read: Reader) -> Parsed:
    try:
        if part.is_multipart():
            raise DocumentError("a message inside the message")
        parsed = read(name, _payload(part))
    except DocumentError as error:
        words = f"Attachment {name}, not read: {error.reason}\n\n"
        return Parsed(words, [Section(0, len(words))])
    title = f"Attachment {name}"
    return Parsed(
        parsed.text,
        [dataclasses.replace(s, headings=(title, *s.headings)) for s in parsed.sections],
        tuple(f"{title}: {line}" for line in parsed.unread),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return flat(str(message.get(name) or ""))
    except Exception:  # noqa: BLE001 - malformed headers raise many kinds of errors, and are then not shown
        return ""


def _content(body: Message) -> str:
    """Return the text of a body; where nobody knows its charset, it is decoded as any text is."""
    try:
        if isinstance(body, EmailMessage):
            return str(body.get_content())
    except (LookupError, UnicodeError, ValueError):
        pass
    return decode(_payload(body))


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _concatenated(parts: list[Parsed]) -> Parsed:
    end, rows, sections = 0, 0, []
    for part in parts:
        shifted = [section.shifted(end, rows) for section in part.sections]
        rows = max((cell.row + 1 for section in shifted for cell in section.cells), default=rows)
        sections += shifted
        end += len(part.text)
    unread = tuple(line for part in parts for line in part.unread)
    return Parsed("".join(part.text for part in parts), sections, unread)
