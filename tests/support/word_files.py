"""Word files with parts that python-docx does not write: notes, text boxes, numbered lists, tracked changes, charts."""

from __future__ import annotations

import docx
from docx.opc.constants import CONTENT_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from samples import saved

NAMESPACES = (
    " ".join(
        f'xmlns:{prefix}="http://schemas.{rest}"'
        for prefix, rest in {
            "w": "openxmlformats.org/wordprocessingml/2006/main",
            "r": "openxmlformats.org/officeDocument/2006/relationships",
            "a": "openxmlformats.org/drawingml/2006/main",
            "c": "openxmlformats.org/drawingml/2006/chart",
            "dgm": "openxmlformats.org/drawingml/2006/diagram",
            "m": "openxmlformats.org/officeDocument/2006/math",
            "mc": "openxmlformats.org/markup-compatibility/2006",
            "pic": "openxmlformats.org/drawingml/2006/picture",
            "wp": "openxmlformats.org/drawingml/2006/wordprocessingDrawing",
            "w14": "microsoft.com/office/word/2010/wordml",
            "wps": "microsoft.com/office/word/2010/wordprocessingShape",
        }.items()
    )
    + ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def element(xml: str):
    """Return the element of this XML, with the namespaces that Word files use."""
    end = min(at for at in (xml.find(" "), xml.find(">"), xml.find("/>")) if at > 0)
    return parse_xml(f"{xml[:end]} {NAMESPACES}{xml[end:]}")


def p(*inside: str, style: str = "", properties: str = "") -> str:
    """Return a paragraph; what is no XML becomes a run."""
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    runs = "".join(part if part.startswith("<") else r(part) for part in inside)
    return f"<w:p><w:pPr>{style}{properties}</w:pPr>{runs}</w:p>"


def r(words: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r>'


def numbered(list_number: int, level: int = 0) -> str:
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_number}"/></w:numPr>'


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def row(*cells: str, properties: str = "") -> str:
    """Return a row; what is no XML becomes a cell."""
    made = (cell if cell.startswith("<") else c(cell) for cell in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(made)}</w:tr>"


def c(words: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(words)}</w:tc>"


def field(code: str, result: str) -> str:
    kinds = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    begin, separate, end = kinds
    shown = result if result.startswith("<") else r(result)
    return f"{begin}<w:r><w:instrText> {code} </w:instrText></w:r>{separate}{shown}{end}"


def old_text_box(*paragraphs: str) -> str:
    """Return a text box of VML, as old programs write it."""
    content = f"<w:txbxContent>{''.join(paragraphs)}</w:txbxContent>"
    return f"<w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict>"


def drawing(inside: str, uri: str = "", properties: str = "") -> str:
    """Return a run with a drawing."""
    data = f'<a:graphic><a:graphicData uri="{uri}">{inside}</a:graphicData></a:graphic>'
    named = f'<wp:docPr id="1" name="Drawing 1" {properties}/>'
    return f"<w:r><w:drawing><wp:inline>{named}{data}</wp:inline></w:drawing></w:r>"


def text_box(*paragraphs: str) -> str:
    """Return a run with a text box as Word writes it: twice, for new and for old programs."""
    content = f"<w:txbxContent>{''.join(paragraphs)}</w:txbxContent>"
    new = drawing(f"<wps:wsp><wps:txbx>{content}</wps:txbx><wps:bodyPr/></wps:wsp>")[5:-6]
    old = old_text_box(*paragraphs)
    choice = f'<mc:Choice Requires="wps">{new}</mc:Choice><mc:Fallback>{old}</mc:Fallback>'
    return f"<w:r><mc:AlternateContent>{choice}</mc:AlternateContent></w:r>"


class WordFile:
    """A Word file that is put together from XML."""

    def __init__(self) -> None:
        self.made = docx.Document()

    def body(self, *blocks: str) -> WordFile:
        for block in blocks:
            self.made.element.body.insert(-1, element(block))
        return self

    def notes(self, *texts: str, kind: str = "footnote") -> WordFile:
        """Add a part of notes, numbered from 1. texts: the paragraphs of each note."""
        notes = "".join(f'<w:{kind} w:id="{n}">{text}</w:{kind}>' for n, text in enumerate(texts, 1))
        rule = f'<w:{kind} w:id="0" w:type="separator">{p("-----")}</w:{kind}>'
        self.part(f"{kind}s", f"<w:{kind}s>{rule}{notes}</w:{kind}s>")
        return self

    def part(self, name: str, xml: str, kind: str = "", folder: str = "word") -> str:
        """Add a part, and return the id of the relationship to it."""
        from lxml import etree

        blob = etree.tostring(element(xml), xml_declaration=True, encoding="UTF-8")
        uri = PackURI(f"/{folder}/{name}.xml")
        part = Part(uri, CONTENT_TYPE.XML, blob, self.made.part.package)
        return self.made.part.relate_to(part, OFFICE + (kind or name))

    def lists(self, *lists: str) -> WordFile:
        """Replace the lists. lists: the levels of each list, or XML of w:num where it starts with that."""
        numbering = self.made.part.numbering_part.element
        for child in list(numbering):
            numbering.remove(child)
        levels = [each for each in lists if not each.startswith("<w:num ")]
        for n, inside in enumerate(levels, 1):
            numbering.append(element(f'<w:abstractNum w:abstractNumId="{n}">{inside}</w:abstractNum>'))
        for n in range(1, len(levels) + 1):
            numbering.append(element(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>'))
        for each in lists:
            if each.startswith("<w:num "):
                numbering.append(element(each))
        return self

    def bytes(self) -> bytes:
        return saved(self.made)


def level(n: int, form: str, text: str, start: int = 1, more: str = "") -> str:
    """Return a level of a list."""
    inside = f'<w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{more}<w:lvlText w:val="{text}"/>'
    return f'<w:lvl w:ilvl="{n}">{inside}</w:lvl>'
