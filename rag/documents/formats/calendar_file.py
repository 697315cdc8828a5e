"""Calendars (iCalendar): each appointment and task as lines of a name and a value."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from rag.core.sections import DocumentSettings
from rag.documents.formats.base.encoding import decode
from rag.documents.formats.base.limits import DEFAULTS, progress
from rag.documents.formats.base.sections import Block, Parsed, assemble, flat

SHOWN = {
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "LOCATION": "Place",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "STATUS": "Status",
    "RRULE": "Repeats",
    "DESCRIPTION": "Description",
}


def parse_calendar(data: bytes, settings: DocumentSettings = DEFAULTS) -> Parsed:
    """Return each appointment, task and note below its title."""
    from icalendar import Calendar

    blocks: list[Block] = []
    for calendar in Calendar.from_ical(decode(data), multiple=True):
        for entry in calendar.walk():
            if entry.name in ("VEVENT", "VTODO", "VJOURNAL"):
                progress()
                blocks.append(Block(flat(str(entry.get("SUMMARY") or "")) or "Appointment", 1))
                blocks += (Block(line) for line in _lines(entry))
    return assemble(blocks, "\n")


def _lines(entry: Any) -> Iterator[str]:
    for key, name in SHOWN.items():
        values = entry.get(key) or []
        for value in values if isinstance(values, list) else [values]:
            if words := _words(value):
                yield f"{name}: {words}"


def _words(value: Any) -> str:
    moment = getattr(value, "dt", None)
    if isinstance(moment, datetime.datetime):
        return moment.strftime("%Y-%m-%d %H:%M %Z").strip()
    if isinstance(moment, datetime.date):
        return moment.isoformat()
    if isinstance(value, dict):  # how an appointment repeats
        return "; ".join(f"{key}: {', '.join(map(str, several))}" for key, several in value.items())
    person = getattr(value, "params", {}).get("CN", "")
    address = flat(str(value)).removeprefix("mailto:").removeprefix("MAILTO:")
    return f"{person} <{address}>" if person and person != address else address
