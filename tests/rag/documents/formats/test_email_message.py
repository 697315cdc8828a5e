"""Messages as people send them: forwarded, in several versions, with pictures, appointments and odd attachments."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.core.errors import DocumentError
from rag.documents.document import parse_document
from samples import SAMPLES, email


def read(message, name: str = "a.eml"):
    return parse_document(Path(name), name, message if isinstance(message, bytes) else bytes(message))


def lines(message, name: str = "a.eml") -> list[str]:
    return [line for line in read(message, name).text.split("\n") if line]


def inner(words: str = "The dredger comes on 8 July.\n") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = "Dredging", "Olaf Berg <olaf@example.org>"
    message.set_content(words)
    return message


def test_a_forwarded_message_is_read_with_its_head_and_attachments():
    forwarded = inner()
    forwarded.add_attachment(b"berth,closed\nC1,yes\nC2,no\n", maintype="text", subtype="csv", filename="berths.csv")
    message = email()
    message.add_attachment(forwarded)
    document = read(message)
    tail = document.text.split("Bring rope.\n\n")[1]
    assert tail.split("\n") == [
        "Subject: Dredging",
        "From: Olaf Berg <olaf@example.org>",
        "",
        "The dredger comes on 8 July.",
        "",
        "berth: C1; closed: yes",
        "berth: C2; closed: no",
        "",
    ]
    last = document.sections[-1]
    assert last.headings[:3] == ("Mooring in May", "Forwarded message: Dredging", "Attachment berths.csv")
    assert {cell.row for section in document.sections for cell in section.cells} == {0, 1}


def test_messages_attached_as_files_and_inside_each_other_are_read_to_a_depth():
    nested = inner("Bottom.\n")
    for n in range(7):
        outer = inner(f"Level {n}.\n")
        outer.add_attachment(nested)
        nested = outer
    document = read(nested)
    assert "Level 2." in document.text and "Level 1." not in document.text
    assert document.unread == ("a message 5 deep inside messages",)
    message = email()
    message.add_attachment(bytes(inner()), maintype="application", subtype="octet-stream", filename="old.eml")
    assert "The dredger comes on 8 July." in read(message).text


@pytest.mark.parametrize(
    ("plain", "html", "found"),
    [
        ("Gate 4 is shut.", "<p>Gate <b>4</b> is shut.</p>", ["Gate 4 is shut."]),
        (" ", "<p>Gate 5 is shut.</p>", ["Gate 5 is shut."]),
        ("See the HTML.", f"<p>Gate 6 is shut.</p><p>{'It was struck by a lorry. ' * 3}</p>", ["Gate 6 is shut."]),
        (None, "<table><tr><th>Gate<th>State</tr><tr><td>7<td>shut</tr></table>", ["Gate: 7; State: shut"]),
    ],
)
def test_one_version_of_the_body_is_read(plain, html, found):
    message = email()
    message.clear_content()
    if plain is None:
        message.set_content(html, subtype="html")
    else:
        message.set_content(plain)
        message.add_alternative(html, subtype="html")
    assert lines(message)[3:4] == found and read(message).text.count("Gate") == 1


def test_several_bodies_are_all_read_in_their_order():
    message = email()
    message.make_mixed()
    for words in ("Above the picture.", "Below the picture."):
        part = EmailMessage()
        part.set_content(words)
        message.attach(part)
    assert lines(message)[3:] == [
        "The buoy is free from May.",
        "Bring rope.",
        "Above the picture.",
        "Below the picture.",
    ]


def test_what_can_not_be_opened_is_named():
    message = email()
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", disposition="inline", cid="<logo>")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="plan.png")
    message.add_attachment(b'x\x9f>"', maintype="application", subtype="ms-tnef", filename="winmail.dat")
    message.add_attachment(b"\0\1", maintype="application", subtype="vnd.odd")
    message.add_attachment(b"%PDF-1.4 broken", maintype="application", subtype="pdf")
    message.add_attachment(b"sig", maintype="application", subtype="pgp-signature", filename="signature.asc")
    document = read(message)
    unread = "\n".join(document.unread)
    for part in (
        "Attachment plan.png: no reader for .png",
        "Attachment winmail.dat: Outlook's own format",
        "Attachment of type application/vnd.odd: no reader",
        "Attachment of type application/pdf: damaged",
        "picture in the text",
    ):
        assert part in unread
    assert "signature" not in unread and "Attachment plan.png, not read: no reader for .png" in document.text
    assert len(document.unread) == 5


def test_an_appointment_in_a_message_and_in_a_file():
    calendar = (
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nSUMMARY:Slipway inspec\n tion\nDTSTART:20310714T083000\n"
        "DTEND:20310714T100000\nLOCATION:Slip 2\\, east\nORGANIZER;CN=Rita Sand:mailto:rita@example.org\n"
        "RRULE:FREQ=YEARLY\nDESCRIPTION:Bring\\nboots.\nEND:VEVENT\nBEGIN:VTODO\nSUMMARY:Paint\nDUE:20310801\n"
        "END:VTODO\nEND:VCALENDAR\n"
    )
    wanted = [
        "Slipway inspection",
        "Start: 2031-07-14 08:30",
        "End: 2031-07-14 10:00",
        "Place: Slip 2, east",
        "Organizer: Rita Sand <rita@example.org>",
        "Repeats: FREQ: YEARLY",
        "Description: Bring boots.",
        "Paint",
        "Due: 2031-08-01",
    ]
    assert lines(calendar.encode(), "a.ics") == wanted
    message = email()
    message.add_alternative(calendar, subtype="calendar")
    assert lines(message)[3:] == ["The buoy is free from May.", "Bring rope.", *wanted]
    assert read(message).sections[-1].headings == ("Mooring in May", "Appointment", "Paint")


@pytest.mark.parametrize("charset", ["us-ascii", "utf-8", "no-such"])
def test_a_body_in_another_encoding_than_it_names(charset):
    for encoding in ("utf-8", "cp1252"):
        head = f"Subject: a\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
        assert "Grüße für 5 £" in read(head.encode() + "Grüße für 5 £".encode(encoding)).text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_head_without_encoding(encoding):
    assert lines("Subject: Gebühr für Boote\nFrom: a@b.org\n\nSie ist 5 €.".encode(encoding))[0] == (
        "Subject: Gebühr für Boote"
    )


def test_a_broken_head_is_shown_as_it_stands():
    message = b"Subject: Fee\nFrom: =?utf-8?q?Ann?= <ann@@example..org>\nDate: 45 Maytember\n\nIt is 5."
    assert lines(message)[-1] == "It is 5." and any("Maytember" in line for line in lines(message))


def test_a_mailbox_is_its_messages():
    box = b"".join(
        b"From x Mon May  4 10:00:00 2026\n" + bytes(m) + b"\n" for m in (email(), inner(">From here on.\n"))
    )
    document = read(box, "a.mbox")
    assert [s.headings for s in document.sections][-1] == ("Dredging",) and "From here on." in document.text
    assert {s.headings for s in document.sections} == {("Mooring in May",), ("Dredging",)}
    assert ">From" not in document.text
    broken = box + b"From x Mon May  4 10:00:00 2026\n\nno head\n\n"
    assert read(broken, "a.mbox").unread == ("message 3: no e-mail: it has neither subject, sender nor date",)
    with pytest.raises(DocumentError, match="no mailbox"):
        read(SAMPLES["a.eml"], "a.mbox")
