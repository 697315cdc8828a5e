"""Tables written with pipes as chunks, read and cut as those of files are."""

import hashlib

from fakes import passage
from rag.core.chunk import Chunk
from rag.core.sections import ChunkSettings
from rag.documents.chunking import chunk_document
from rag.documents.document import Document
from rag.documents.formats.base.sections import Block, assemble
from rag.documents.formats.tables.rows import table_blocks
from rag.retrieval.passage import Passage
from rag.retrieval.table_rows import Table, find_tables


def table_document(*lines: str, name: str = "list.csv", heading: str = "") -> Document:
    """Return a document that is a table, of which the cells are parted by pipes."""
    blocks = table_blocks([[cell.strip() for cell in line.split("|")] for line in lines])
    text, sections, *_ = assemble([*([Block(heading, 1)] if heading else []), *blocks])
    title = heading or name.split(".")[0]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(name, f"/nowhere/{name}", title, text, tuple(sections), digest)


def table_chunks(*lines: str, size: int = 520, **more) -> list[Chunk]:
    return chunk_document(table_document(*lines, **more), ChunkSettings(size))


def table(*lines: str, **more) -> Table:
    """Return the one table of these lines."""
    (found,) = find_tables(table_chunks(*lines, **more))
    return found


def prose(text: str, name: str = "notes.md") -> Chunk:
    """Return a passage without a table."""
    return passage(text, name, headings=("Notes",)).chunk


def passages(*chunks: Chunk) -> list[Passage]:
    return [Passage(chunk, 0.0, None) for chunk in chunks]


ORDERS = table_chunks(
    "Order|Buyer|State|Net|Gross|Sent",
    "BX-2201|Ulsby Mill|paid|402.50|478.98|04.02.2026",
    "BX-2202|Nordre Dairy|open|1,150.00|1,368.50|11.02.2026",
    "BX-2203|Varde Inn|late|86.79|103.28|19.02.2026",
    "BX-2204|Ulsby Mill|open|77.00|91.63|26.02.2026",
    name="orders.csv",
)
CREW = table_chunks(
    "Name|Post|Cabin|Call number|Joined",
    "Sigrid Aune|Bosun|C3|7714|2011",
    "Pelle Strand|Cook|C8|7730|2019",
    "Maja Strand|Second engineer|D1|7752|2019",
    "Oskar Vik|Pilot|B2|7768|2003",
    name="crew.md",
)
HOURS = table_chunks(
    "Desk|Day|Opens|Closes",
    "Varde|Weekdays|07:30|19:00",
    "Varde|Sunday|10:15|14:30",
    "Ulsby|Weekdays|08:00|17:45",
    "Ulsby|Sunday|11:00|13:15",
    name="hours.html",
)
TARIFF = table_chunks(
    "Plan|Price a month|Price a year|Response time|Storage",
    "Birch|9 pounds|95 pounds|2 days|20 GB",
    "Oak|19 pounds|199 pounds|8 hours|200 GB",
    "Elm|35 pounds|380 pounds|1 hour|1 TB",
    name="plans.xlsx",
)
LEASES = table_chunks(
    "Building|Lessor|Lessee|Begins|Ends|Deposit rate|Rent",
    "Old Mill|Hagen Estate|Brodd & Sons|1 May 2021|30 April 2029|8 %|1,400 pounds",
    "Boat shed|Town of Ulsby|Rowing Club|1 June 2023|31 May 2026|5 %|310 pounds",
    name="leases.xlsx",
)
