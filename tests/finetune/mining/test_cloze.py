import pytest

from fakes import passage
from finetune.mining.candidates import Candidate
from finetune.mining.cloze import cloze_question


@pytest.mark.parametrize(
    ("marked", "kind", "asked"),
    [
        (
            "The crane on the quay lifts <<40 tonnes>> in calm weather.",
            "amount",
            "The crane on the quay lifts how many tonnes in calm weather?",
        ),
        (
            "New singers pay a joining fee of <<£15>>, and it is returned.",
            "amount",
            "New singers pay a joining fee of how much?",
        ),
        (
            "5.1 Cargo dues rose by <<7 per cent>> in a year (2024).",
            "amount",
            "Cargo dues rose by what percentage in a year?",
        ),
        (
            "There are <<four mooring buoys>> off the slip.",
            "number",
            "Berths: There are how many mooring buoys off the slip?",
        ),
        ("- The spare *key* is kept until <<18:30>>; ask for it.", "time", "The spare key is kept until what time?"),
        ("The pier was rebuilt in <<1987>> by hand.", "date", "The pier was rebuilt in what year by hand?"),
        ("Masts come down on <<3 May>>.", "date", "Masts come down on what date?"),
        (
            "Visitors to the works wear goggles because <<chips fly>>.",
            "reason",
            "Visitors to the works wear goggles why?",
        ),
        ("The gate stays shut, unless <<the master asks>>.", "condition", "The gate stays shut, unless what?"),
        (
            "The gate is opened only if <<the master asks>>.",
            "condition",
            "The gate is opened only under what condition?",
        ),
        (
            "Visitors to the yard must <<sign in>> at the gate.",
            "duty",
            "Visitors to the yard must do what at the gate?",
        ),
        (
            "It was rebuilt by <<Nan Stobbs>> after the flood.",
            "name",
            "Berths: It was rebuilt by who or what after the flood?",
        ),
        (
            "route: A-B; day: Sat; depart: <<08:40>>; arrive: 09:05; note: x",
            "time",
            "What depart for route A-B, day Sat, arrive 09:05?",
        ),
        (
            "The Trust, which drew up the plan, wants a new shed by <<2027>>.",
            "date",
            "The Trust, which drew up the plan, wants a new shed by what year?",
        ),
        ("quay: A; dues: 2 t\nquay: B; dues: <<5 t>>; day: Sat", "amount", "What dues for quay B, day Sat?"),
        ("WHAT IT COSTS Oil from boats under <<15 m>> is free.", "amount", "Oil from boats under how many m is free?"),
        ("Vehicles on the <<Mole>> pay double at Easter.", "name", "Vehicles on what pay double at Easter?"),
        ("No pallet there reached −<<15 °C>> in May.", "amount", None),
        ("The tower shuts in <<August>> for repair.", "name", "The tower shuts in what month for repair?"),
        ("Leave ends on the last <<Sunday>> of May.", "name", "Leave ends on the last what day of May?"),
        ("# Tariff of Harbour Dues, <<2026>>", "date", None),
        ("Use the <<Trust>>'s form for an injury.", "name", None),
        ("Thanks went to Dame <<Honor Lisburne>> in May.", "name", None),
        (
            "Attacks on the staff of <<Welsh>> schools reached a high in 2010.",
            "name",
            "Attacks on the staff of what schools reached a high in 2010?",
        ),
        (
            "The order is popular with <<Welsh>> schools of that time.",
            "name",
            "The order is popular with what schools of that time?",
        ),
        ("The works were moved into <<Harbour Lane>> in May.", "name", "The works were moved into what place in May?"),
        (
            "The fair was enormously popular in <<Stobbshaven>> and beyond.",
            "name",
            "The fair was enormously popular in what and beyond?",
        ),
        (
            "He was the first to win several <<Harbour Cups>> in a row.",
            "name",
            "Berths: He was the first to win several what in a row?",
        ),
        (
            "A study of the harbour by <<Perotti>> examined the tides.",
            "name",
            "A study of the harbour by who or what examined the tides?",
        ),
        ("The curve was drawn again in <<Figure>> 2.21 of the report.", "name", None),
        ("Records of the post-World <<War>> period are lost.", "name", None),
        ("The fishing boat Annie <<Lisburne>> was sold.", "name", None),
        ("The chair was <<Rajendra>> K. Pachauri of the trust.", "name", None),
        ("These included a new crane for <<Stobbshaven>> and its quay.", "name", None),
        ("Beyond that, it goes up to <<£97>> a day.", "amount", None),
        ("Probe <<one pallet>> in ten.", "number", None),
        ("Since the <<2023>> rewiring it leaks.", "date", None),
        ("| Overload | <<shed>> |", "tail", None),
        (
            "The new rulers were apart from the old <<Lisburne>> nobles of the port.",
            "name",
            "The new rulers were apart from the old what nobles of the port?",
        ),
        ("Nan Stobbs, the clerk, <<Edda Kirkbride>>, and the crew of the boat met.", "name", None),
        ("Three hundred and <<twelve messages>> were copied out.", "number", None),
        (
            "Nobody goes up the boom in more than <<9 m/s>> of wind.",
            "amount",
            "Nobody goes up the boom in more than how many m/s of wind?",
        ),
        ("Yusra <<Amin>> searched the other boxes for the message.", "name", None),
        (
            "In <<Stobbshaven>> the boats of the fleet are red.",
            "name",
            "Berths: In what the boats of the fleet are red?",
        ),
        ("The boats of the fleet (three of the <<Stobbs Line>>) are red.", "name", None),
        ("They agreed with Captain <<Trescothick>> von Hallin on a new harbour.", "name", None),
        ("The mother of the clerk, <<Edda>> de' Stobbs, ruled the port.", "name", None),
        (
            "But the tide wheel turns <<40 tonnes>> of water.",
            "amount",
            "The tide wheel turns how many tonnes of water?",
        ),
        (
            "Nets of the port were mended by the <<Guild>>[citation needed] at times.",
            "name",
            "Nets of the port were mended by what at times?",
        ),
        ("Even before the <<Survey>> (1902) it was so.", "name", None),
        ("Count of boats on the slip at every tide, <<Aled>>.", "name", None),
        ("The slip is closed while the cradle is mended, and <<Nell Garroway>>, who built it, waits.", "name", None),
        ("The keepers were heard in the tower in February and <<March 2019>>.", "date", None),
        (
            "The slip is open for small boats from 1 April to <<31 March>>.",
            "date",
            "The slip is open for small boats from 1 April to what date?",
        ),
        ("Posted by the clerk of the harbour, <<28 January 2026>>.", "date", None),
        ("The clerk said that nobody on <<the boats wants it changed>>.", "tail", None),
        ("Small faults were found: <<two chipped steps>>, a loose rail and a leaking seal.", "number", None),
        ("The clerk of the port and her <<six meetings>> with the crew count.", "number", None),
        ("what: <<Seats>>; big boat: eight; small boat: two", "cell", None),
    ],
)
def test_a_sentence_becomes_a_question_for_its_span(marked, kind, asked):
    plain = marked.replace("<<", "").replace(">>", "")
    span = marked.partition("<<")[2].partition(">>")[0]
    chunk = passage(plain, headings=("Harbour", "2. Berths")).chunk
    assert cloze_question(Candidate(chunk, (0, len(plain)), plain.index(span), span, kind)) == asked
