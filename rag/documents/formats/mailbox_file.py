"""Mailboxes (mbox): one message after the other."""

from __future__ import annotations

import mailbox
import re
import tempfile
from collections.abc import Callable

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import progress, require_pages
from rag.documents.formats.base.parts import concatenated
from rag.documents.formats.base.sections import Parsed

STARTS_WITH = b"From "
QUOTED = re.compile(rb"^>(>*From )", re.M)  # as mailboxes write a line of a message that begins so


def parse_mailbox(data: bytes, read: Callable[[bytes], Parsed], settings: DocumentSettings) -> Parsed:
    """Return the messages in their order. read: reads one; what it can't read is named by its number."""
    if not data.startswith(STARTS_WITH):
        raise DocumentError("no mailbox: it does not start with a line of 'From '", "export it again as mbox")
    parts: list[Parsed] = []
    with tempfile.NamedTemporaryFile(suffix=".mbox") as file:
        file.write(data)
        file.flush()
        box = mailbox.mbox(file.name, create=False)
        require_pages(len(box), "messages", settings)
        for number, key in enumerate(box.keys(), 1):
            progress()
            try:
                parts.append(read(QUOTED.sub(rb"\1", box.get_bytes(key))))
            except DocumentError as error:
                parts.append(Parsed("", [], (f"message {number}: {error.reason}",)))
        box.close()
    return concatenated(parts)
