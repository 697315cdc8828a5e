"""Whether a row names the columns of the rows below it: told from kinds of cells, shapes of words, and known names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from rag.documents.formats.tables.cell_kinds import (
    TYPED,
    Kind,
    cell_kind,
    common_kind,
    is_period,
    is_range,
    is_word,
    is_year,
)

LONGEST_NAME = 6  # words
SHORT_BESIDE = 2.5  # a name is so many times shorter than the texts of its column
PRIOR = 0.5  # tables of three columns and more mostly have a header
SCALES = (Kind.DATE, Kind.TIME, Kind.FLAG)  # of which several above other values name columns
FEW = 2  # rows, which prove less than many
# What columns of tables and lines of data sheets are called, in English and German.
NAMES = frozenset(
    """account action activity address age agent airport aisle amount annual area article artikel asset attribute
    author authority average balance band beam berth bezeichnung bin birthday book booking branch brand breadth
    budget builder building built buyer calories campus capacity capital captain category cause cell channel
    characteristic charge charges chief city class clerk client close closed closes closing closure code color
    colour column comment comments commission company condition consumption contact contents cost costs count
    counted country course coverage created credit crew currency customer customers date datum day deadline
    delivered delivery department deposit depot depth description desk destination detail details diameter dimension
    dimensions direction discount displacement distance district draft draught driver due duration ean efficiency
    email employee end engine equipment error event expires extension factor fare fax feature fee fees field file
    filter firm first flag fleet floor flow format founded frequency from fuel function gender genre grade gross
    group guests head heating height holder home hours hull id identifier image index industry inspection insurance
    interval invoice issue issued item job keeper key kind kunde label language last lead leader leistung length
    level licence license limit line link list load location lot maintenance make maker manager manufacturer mark
    marks mass material max maximum meal meaning measure member menge method min minimum mobile mode model month
    motor name nationality nearest net next nights no note notes notice nr number nummer occupation office officer
    open opened opening opens operator option order organisation origin ort outcome output owner package page
    parameter part partner party passengers password pay payment per percent percentage period person phone piece
    place plan plant platform player points population port position postcode power preis price priority process
    product profession project property provider publisher purpose qty quantity question rank rate rating ratio
    reading reason received ref reference region registration remark remarks rent repair report required resolution
    response responsible result results revenue review revision role room route row rule salary sales sample scale
    schedule score season seat seats section sector sent serial series service setting severity sex shape shelf
    shift ship shop signal site size sku sold source species specification speed stadt stage standard start started
    state station status stock stop stops storage store strasse street strength subject subtotal sum summe
    supervisor supplier supplies surface surname symbol system table target task tax team telefon telephone
    temperature tenant term test text ticket tier time times title tonnage topic torque total town track train
    transport trigger type unit units until usage use user value variant vat vehicle vendor venue version vessel
    visitors volt voltage volume wage warehouse warranty water wattage website week weight wert width winner wins
    yard year years yield zip zone since post born joined left hired skipper definition explanation
    abteilung anfang anzahl beginn bemerkung beruf beschreibung betrag breite dauer einheit ende farbe gebühr gerät
    gewicht hersteller höhe lieferant länge massnahme nachname ort plz raum stück telefon tiefe uhrzeit verein vorname
    zeit zimmer zustand""".split()
)
# In French, Spanish, Italian and Dutch.
NAMES_ELSEWHERE = frozenset(
    """aantal adres adresse adresse cantidad ciudad città client cliente code courriel código data datum date
    dirección désignation fecha fournisseur importe indirizzo jour montant naam nom nombre nome numéro número pays
    país plaats prenom prijs prix prezzo producto produit prénom quantità quantité référence rue stad telefono telefoon
    teléfono téléphone ville""".split()
)
ALL_NAMES = NAMES | NAMES_ELSEWHERE
# What the second column of a list of labels and values is called.
OF_VALUES = frozenset(
    "value values wert detail details description definition meaning explanation answer default".split()
)
# What stands in the corner of a table whose rows are what is said of the columns: it names the rows.
OF_ROWS = re.compile(
    r"(?:measure|item|metric|feature|attribute|property|parameter|specification|indicator|criteri|characteristic|what"
    r"|aspect|description|detail|figure|key|kpi|quantity|statistic|test|analy|nutri|budget|income|source|variable|value"
    r"|field|merkmal|eigenschaft|kriterium|kennzahl|größe)",
    re.I,
)
VALUES = frozenset(("closed", "free", "none", "included", "unlimited", "on request", "open", "varies", "unknown"))


def header_score(head: Sequence[str], columns: Sequence[Sequence[str]]) -> float:
    """Return how likely `head` names the columns: above 0 for more likely than not.

    columns: the cells below each of its cells, at least one.
    """
    beside = list(zip(head, columns, strict=True))
    rows = max((len(cells) for cells in columns), default=0)
    score = PRIOR if len(beside) > 2 else 0.0
    if not head[0] and all(head[1:]) and all(columns[0]):
        score += 1.0  # the corner of a table whose rows have names, too
    if len({name[0].isupper() for name in head if name[:1].isalpha()}) > 1:
        score -= 0.6  # names of columns are written alike
    counted = _counts(head)
    ranges = sum(map(is_range, head))
    alike = Counter(cell_kind(name).kind for name in set(head))
    for name, cells in beside:
        beyond = alike[own := cell_kind(name).kind] > 1 and own in SCALES and common_kind(list(cells))[0] is not own
        part = ranges > 1 and is_range(name) and not any(map(is_range, cells))
        score += 0.3 if beyond or part or (counted and name.isdecimal()) else _name_score(name, cells)
    if len(beside) == 2:
        score += _pair_score(head, columns)
    return score * (1 if rows > FEW else 0.75)


def _pair_score(head: Sequence[str], columns: Sequence[Sequence[str]]) -> float:
    """Return how likely two cells name columns, which might as well be the first label and value of a data sheet."""
    label, value = head
    if value.lower() in OF_VALUES:
        return 1.0
    if OF_ROWS.match(label) and is_period(value):
        return 1.5
    return 0.8 if value.isalpha() and is_known_name(value) and not any(map(is_known_name, columns[1])) else 0.0


def _counts(head: Sequence[str]) -> bool:
    """Return whether the numbers in a row count up by one, as those of days, routes or attempts above columns do."""
    numbers = [int(cell) for cell in head if cell.isdecimal() and len(cell) < 5]
    return len(numbers) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def sheet_score(labels: Sequence[str], values: Sequence[str]) -> float:
    """Return how likely two columns are a data sheet, each row a label and its value, the first row like the others."""
    filled = [(label, value) for label, value in zip(labels, values, strict=True) if label and value]
    if not filled:
        return 0.0
    colons = sum(label.endswith(":") for label, _ in filled)
    if colons >= max(1, len(filled) // 2):
        return 4.0
    known = sum(map(is_known_name, labels[1:])) / max(1, len(labels) - 1)
    kind, one_unit = common_kind([value for _, value in filled])
    kinds = {cell_kind(value) for _, value in filled}
    mixed = len(filled) > 1 and (kind is Kind.WORDS or not one_unit) and len(kinds) > 1
    if values[0].lower() in OF_VALUES:
        return 0.0
    return 2.0 * known + (1.0 if mixed and len(kinds) > 2 else 0.5 if mixed else 0.0)


def is_known_name(text: str) -> bool:
    """Return whether columns are often called so: few words, the last or the first of them a common name."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    short = 0 < len(words) <= LONGEST_NAME and is_word(text)
    return short and any({word, word.removesuffix("s")} & ALL_NAMES for word in words)


def _name_score(name: str, cells: Sequence[str]) -> float:
    kind, one_unit = common_kind(list(cells))
    own = cell_kind(name)
    if not name or kind is Kind.GAP:
        return -0.2 if kind is not Kind.GAP else -1.0 if own.kind in TYPED else 0.0
    if own.kind is Kind.PROSE or len(name.split()) > 2 * LONGEST_NAME:
        return -2.0
    if own.kind in TYPED:
        return _typed_name_score(name, own.kind, kind, cells)
    if name in cells or (is_period(name) and sum(map(is_period, cells)) > len(cells) / 2):
        return -2.0
    if name.lower() in VALUES:
        return -1.0
    known = 0.8 * (1 - sum(map(is_known_name, cells)) / len(cells)) if is_known_name(name) else 0.0
    if kind in TYPED:
        return known + (1.5 if one_unit else 0.4)
    if is_period(name):
        return 0.4
    return known + _contrast(name, [cell for cell in cells if cell])


def _typed_name_score(name: str, own: Kind, kind: Kind, cells: Sequence[str]) -> float:
    """Return what a number, date or code says: data, unless it is a year or number of a period over other values."""
    if own is Kind.FLAG and kind is not own:
        return 0.5 if len(name) == 1 else -1.0  # x and y name columns, too
    alike = is_year if is_year(name) else is_period
    if is_period(name) and not (kind is own and sum(map(alike, cells)) > len(cells) / 2):
        return 0.2
    if own is Kind.CODE and kind not in (Kind.CODE, Kind.WORDS):
        return 0.3  # models or berths that are compared
    return -2.0 if own is kind else -1.0


def _contrast(name: str, cells: Sequence[str]) -> float:
    """Return how differently from the cells below a name is written."""
    if not cells:
        return 0.0
    score = 0.0
    if sum(map(len, cells)) / len(cells) > SHORT_BESIDE * len(name):
        score += 0.7
    shapes = [_shape(cell) for cell in cells]
    if (alike := shapes.count(_shape(name)) / len(cells)) < 0.2:
        score += 0.6
    elif alike > 0.5:
        score -= 0.3
    if len(cells) > 3 and len(set(cells)) <= len(cells) / 2:
        score += 0.4  # values of a few kinds, of which the name is none
    return score


def _shape(text: str) -> str:
    """Return how words are written: whether they begin with capitals, have digits or signs, and are one or more."""
    words = text.split()
    capitals = "".join(
        "A" if word.isupper() and len(word) > 1 else "T" if word[:1].isupper() else "a" for word in words
    )
    first, rest = capitals[:1], "".join(sorted(set(capitals[1:])))
    return first + rest + ("9" if any(c.isdigit() for c in text) else "")
