"""Make the layouts anew: LaTeX, Chromium and LibreOffice set made-up texts whose right reading is known.

Needs pdflatex, chromium, soffice, and the packages pyphen, pypdf, pypdfium2, numpy, pillow and python-docx:
python -m eval.suites.pdf_layouts.make writes NAME.pdf and gold.json beside this file.
"""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
from pathlib import Path

from eval.suites.pdf_layouts.office_layouts import office_layouts
from eval.suites.pdf_layouts.tex_layouts import tex_layouts
from eval.suites.pdf_layouts.web_layouts import web_layouts

HERE = Path(__file__).parent
NOTES = 'pdf:writer_pdf_Export:{"ExportNotes":{"type":"boolean","value":"true"}}'


def run(*command: str, folder: Path) -> None:
    """Run a command in a folder. Raises CalledProcessError with what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:])
    done.check_returncode()


def latex(source: str, folder: Path) -> bytes:
    """Return the PDF of a LaTeX source."""
    (folder / "a.tex").write_text(source)
    for _ in range(3):
        run("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex", folder=folder)
    return (folder / "a.pdf").read_bytes()


def web(source: str, folder: Path) -> bytes:
    """Return the PDF that Chromium prints of a page."""
    (folder / "a.html").write_text(source)
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--print-to-pdf=a.pdf")
    run("chromium", *flags, "a.html", folder=folder)
    return (folder / "a.pdf").read_bytes()


def office(source: bytes, folder: Path) -> bytes:
    """Return the PDF that LibreOffice writes of a DOCX file."""
    (folder / "a.docx").write_bytes(source)
    run("soffice", f"-env:UserInstallation=file://{folder}/home", "--convert-to", NOTES, "a.docx", folder=folder)
    return (folder / "a.pdf").read_bytes()


def scan(data: bytes, dpi: int = 110) -> bytes:
    """Return a PDF of pictures of the pages, with a little noise, as a scanner makes it."""
    import numpy
    import pypdfium2
    from PIL import Image

    noise, pages = numpy.random.default_rng(7), []
    for page in pypdfium2.PdfDocument(data):
        grey = numpy.asarray(page.render(scale=dpi / 72, grayscale=True).to_pil(), dtype=float)
        pages.append(Image.fromarray((grey + noise.normal(0, 6, grey.shape)).clip(0, 255).astype("uint8")))
    out = io.BytesIO()
    pages[0].save(out, "pdf", save_all=True, append_images=pages[1:], resolution=dpi, quality=35)
    return out.getvalue()


def turned(data: bytes, degrees: int, *, shown_upright: bool) -> bytes:
    """Return the pages with their content turned, which a /Rotate of the page undoes where shown_upright."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    for page in writer.pages:
        page.rotate(degrees).transfer_rotation_to_content()
        if shown_upright:
            page.rotate(-degrees)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def main() -> None:
    """Write all layouts and their gold."""
    gold = {}
    with tempfile.TemporaryDirectory() as folder:
        makers = ((latex, tex_layouts()), (web, web_layouts()), (office, office_layouts()))
        for make, layouts in makers:
            for name, layout in layouts.items():
                data = make(layout["source"], Path(folder))
                (HERE / f"{name}.pdf").write_bytes(data)
                gold[name] = {"text": layout["text"], "tables": layout.get("tables", [])}
    for name, base, change in (
        ("turned-90", "tex-two-columns", lambda data: turned(data, 90, shown_upright=False)),
        ("turned-270-table", "web-table-ruled", lambda data: turned(data, 270, shown_upright=False)),
        ("turned-rotate", "office-two-columns", lambda data: turned(data, 90, shown_upright=True)),
        ("scanned", "office-letter", scan),
    ):
        (HERE / f"{name}.pdf").write_bytes(change((HERE / f"{base}.pdf").read_bytes()))
        gold[name] = gold[base]
    (HERE / "gold.json").write_text(json.dumps(gold, indent=1, ensure_ascii=False) + "\n")
    print(len(gold), "layouts,", sum(path.stat().st_size for path in HERE.glob("*.pdf")), "bytes")


if __name__ == "__main__":
    main()
