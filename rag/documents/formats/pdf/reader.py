"""PDF files: pages in the order in which people read them, headings by font size, tables as rows, forms and notes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.core.errors import DocumentError
from rag.core.sections import DocumentSettings
from rag.documents.formats.base.limits import DEFAULTS, progress, require_pages
from rag.documents.formats.base.sections import Parsed, assemble
from rag.documents.formats.pdf.paragraphs import document_blocks
from rag.documents.formats.pdf.pictures import EXTRA

if TYPE_CHECKING:
    from rag.documents.formats.pdf.page import PageText


def parse_pdf(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return the pages in order; tables become rows, and larger lines become headings.

    Running heads and feet are dropped, and so is what nobody sees. What could not be read is named.
    """
    pages = list(_pages(data, settings))
    if not any(page.items for page in pages):
        raise DocumentError("no text in the PDF, only pictures", f"{EXTRA}, or recognise its text (OCR) and save that")
    parsed = assemble(document_blocks([page.items for page in pages]))
    return parsed._replace(unread=tuple(_unread(pages)))


def _unread(pages: list[PageText]) -> Iterator[str]:
    """Yield each kind of what could not be read, with all its pages: "pages 2, 4-6: picture without text"."""
    kinds: dict[str, list[int]] = {}
    for number, page in enumerate(pages, 1):
        for part in page.unread:
            kinds.setdefault(part, []).append(number)
    for part, numbers in kinds.items():
        runs: list[list[int]] = []
        for number in numbers:
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        spans = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
        yield f"{'pages' if len(numbers) > 1 else 'page'} {spans}: {part}"


def _pages(data: bytes, settings: DocumentSettings) -> Iterator[PageText]:
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    from rag.documents.formats.pdf.page import read_page

    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            require_pages(len(pdf.pages), "pages", settings)
            if not pdf.pages:
                raise DocumentError("no pages in the PDF", "it is damaged or broke off: copy it again")
            for page in pdf.pages:
                yield read_page(page)
                page.close()  # a page keeps every character as a dictionary
                progress()
    except PdfminerException as error:
        if error.args and isinstance(error.args[0], PDFPasswordIncorrect):
            raise DocumentError("the PDF is password-protected", "save it without a password") from error
        raise
