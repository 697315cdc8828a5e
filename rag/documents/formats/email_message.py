"""E-mail: subject, sender and date as text, the body, attachments of known formats, and messages inside the message."""

from __future__ import annotations

import mimetypes
from collections import Counter
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser

from rag.core.errors import DocumentError
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.limits import progress
from rag.documents.formats.base.parts import below, concatenated, named
from rag.documents.formats.base.sections import Parsed, Section, counted, flat
from rag.documents.formats.text.html import parse_page

SHOWN = ("Subject", "From", "To", "Cc", "Date")
Reader = Callable[[str, bytes], Parsed]  # (file name, content) to text and sections; raises DocumentError
DEEPEST = 5  # messages in each other that are read
MUCH_LESS = 3  # times shorter than the HTML: such plain text only says that there is HTML
SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
CLOSED = {  # what nothing here opens, and why
    "application/ms-tnef": "Outlook's own format: ask for the message as plain text or HTML",
    "application/vnd.ms-tnef": "Outlook's own format: ask for the message as plain text or HTML",
    "application/pkcs7-mime": "encrypted or signed: save the message without that",
    "application/x-pkcs7-mime": "encrypted or signed: save the message without that",
    "application/pgp-encrypted": "encrypted: save the message decrypted",
}


def parse_email(data: bytes, read: Reader, depth: int = 0) -> Parsed:
    """Return a message's head, body and attachments, and the same of messages inside it; its subject is the heading.

    read: reads an attachment; one that it can't read is named with the reason. depth: how many messages it is attached
    in. Raises DocumentError when it is no message, or is in too many.
    """
    if depth >= DEEPEST:
        raise DocumentError(f"a message {depth} deep inside messages", "save it by itself")
    message = BytesParser(policy=policy.default).parsebytes(data)
    if not _head(message):
        remedy = "save the message as .eml, or rename the file to what it is"
        raise DocumentError("no e-mail: it has neither subject, sender nor date", remedy)
    return _MessageReader(read, depth).message(message)


class _MessageReader:
    """Reads one message with those inside it. read: reads an attachment. depth: how many messages are around it."""

    def __init__(self, read: Reader, depth: int) -> None:
        self._read, self._depth = read, depth
        self._unread: Counter[str] = Counter()

    def message(self, message: Message, name: str = "") -> Parsed:
        """Return the message. name: the heading for one without a subject."""
        head, subject = _head(message), _header(message, "Subject")
        parts = [_text(f"{head}\n\n" if head else "")]
        parts += (part for part in self._parts(message) if part.text or part.unread)
        heading = f"{name}: {subject}" if name and subject else name or subject
        whole = concatenated(parts)
        whole = below(whole, heading) if heading else whole
        return whole._replace(unread=(*whole.unread, *counted(self._unread)))

    def _parts(self, part: Message) -> Iterator[Parsed]:
        """Yield what a part says, or the parts in it, in their order."""
        progress()
        kind = part.get_content_type()
        if kind == "message/rfc822" or (kind == "message/global" and part.is_multipart()):
            yield from self._forwarded(part)
        elif kind == "multipart/alternative":
            yield from self._best(part)
        elif part.is_multipart():
            for inner in _inside(part):
                yield from self._parts(inner)
        elif kind not in SIGNATURES:
            yield self._leaf(part, kind)

    def _best(self, part: Message) -> Iterator[Parsed]:
        """Yield one of the versions that a part has, the plain text unless it says little of it, and appointments."""
        versions = [(each.get_content_type(), list(self._parts(each))) for each in _inside(part)]
        appointments = [n for n, (kind, _) in enumerate(versions) if kind == "text/calendar"]
        lengths = [
            sum(len(p.text.strip()) for p in read if n not in appointments) for n, (_, read) in enumerate(versions)
        ]
        full = [n for n, length in enumerate(lengths) if length * MUCH_LESS > max(lengths)]
        chosen = min(full, key=lambda n: versions[n][0] != "text/plain", default=None)
        for n, (_, read) in enumerate(versions):
            if n == chosen or n in appointments:
                yield from read

    def _forwarded(self, part: Message) -> Iterator[Parsed]:
        for inner in _inside(part):
            if self._depth + 1 >= DEEPEST:
                self._unread[f"a message {self._depth + 1} deep inside messages"] += 1
            else:
                yield _MessageReader(self._read, self._depth + 1).message(inner, "Forwarded message")

    def _leaf(self, part: Message, kind: str) -> Parsed:
        name = _file_name(part)
        if not name and kind == "text/html":
            return parse_page(_words(part))
        if not name and (kind == "text/plain" or kind.startswith("message/")):
            return _text(_words(part).strip() + "\n\n") if _words(part).strip() else Parsed("", [])
        if kind.startswith("image/") and (part.get("Content-ID") or part.get_content_disposition() == "inline"):
            self._unread["picture in the text"] += 1
            return Parsed("", [])
        return self._attachment(name or f"of type {kind}", name or _name_of_type(kind), part)

    def _attachment(self, shown: str, name: str, part: Message) -> Parsed:
        title = "Appointment" if shown == "of type text/calendar" else f"Attachment {shown}"
        try:
            if part.get_content_type() in CLOSED or name.lower() == "winmail.dat":
                raise DocumentError(CLOSED.get(part.get_content_type(), CLOSED["application/ms-tnef"]))
            parsed = self._read(name, _payload(part))
        except DocumentError as error:
            return _text(f"{title}, not read: {error.reason}\n\n")._replace(unread=(f"{title}: {error.reason}",))
        return named(parsed, title)


def _inside(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def _text(words: str) -> Parsed:
    return Parsed(words, [Section(0, len(words))] if words else [])


def _head(message: Message) -> str:
    return "\n".join(f"{name}: {value}" for name in SHOWN if (value := _header(message, name)))


def _header(message: Message, name: str) -> str:
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    written = raw.encode("utf-8", "surrogateescape")
    if any("\udc80" <= c <= "\udcff" for c in raw):  # bytes of a charset that the head does not name
        return flat(decode(written))
    try:
        return flat(str(message.get(name) or ""))
    except Exception:  # noqa: BLE001 - malformed headers raise many kinds of errors, and are then shown as they stand
        return flat(raw)


def _file_name(part: Message) -> str:
    try:
        return flat(part.get_filename() or "")
    except Exception:  # noqa: BLE001 - as of headers
        return ""


def _name_of_type(kind: str) -> str:
    return f"attachment{mimetypes.guess_extension(kind) or ''}"


def _words(body: Message) -> str:
    """Return the text of a body; where it is not in the charset that it names, it is decoded as any text is."""
    payload = _payload(body)
    try:
        text = payload.decode(body.get_content_charset() or "ascii")
    except (LookupError, UnicodeError, ValueError):
        text = decode(payload)
    return text.replace("\r\n", "\n")


def _payload(part: Message) -> bytes:
    if isinstance(part, EmailMessage) and part.is_multipart():
        return part.as_bytes()
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
