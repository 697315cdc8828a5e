"""Twelve made-up tables in seven formats, the same on every machine; `lookups.jsonl` asks about them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import product

from eval.suites.table_files import Row, Shown, Table

SEED = 28
# Names that a careless reader takes for one another.
PEOPLE = (
    "Anna Meyer,Anne Meier,Hanna Meyer,Anna Mayer,Jon Hale,John Hale,Joan Hall,Lena Brandt,Lea Brand,Lena Brand,"
    "Tom Ostler,Thomas Oster,Tom Oster,Maria Costa,Mario Costa,Maria Coster,Ines Vogt,Ina Vogt,Paul Rieger,"
    "Paula Rieger,Nils Adler,Nele Adler,Omar Saleh,Omer Salih"
).split(",")


def make_tables() -> list[Table]:
    """Return the tables, in the order of their formats."""
    makers = (_prices, _exams, _timetable, _tariffs, _parts, _invoices, _staff, _leases, _maintenance, _pump)
    return [make(random.Random(f"{SEED} {make.__name__}")) for make in (*makers, _opening_hours, _torques)]


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


def _clock(draw: random.Random, first: int, last: int) -> str:
    return f"{draw.randrange(first, last)}:{draw.randrange(60):02}"


def _prices(draw: random.Random) -> Table:
    sizes = ("M4", "M5", "M6", "M8", "M10", "M12", "M14", "M16", "M20", "M24")
    nouns = ("Hex bolt", "Hex nut", "Wing nut", "Washer", "Threaded rod", "Coach screw", "Eye bolt")
    articles = [f"{noun} {size}" for size, noun in product(sizes, nouns)]
    numbers, cents = sorted(draw.sample(range(1001, 1100), 70)), draw.sample(range(120, 9900), 70)
    rows = tuple(
        (
            f"R-{number}",
            article,
            draw.choice(("piece", "pair", "box")),
            _money(price),
            draw.choice(("Ferrum", "Staple")),
        )
        for number, article, price in zip(numbers, articles, cents, strict=True)
    )
    before = ("Prices are net, for collection at the counter. Orders over 500 euros are delivered without charge.",)
    after = ("Prices hold until the next list appears. Returned goods are credited at 80 per cent.",)
    header = ("No.", "Article", "Sold by", "Price (€)", "Supplier")
    return Table("workshop-prices.md", "Workshop price list", before, header, rows, after)


def _exams(draw: random.Random) -> Table:
    rows = tuple(
        (name, str(desk), *(str(draw.randrange(31, 100)) for _ in range(4)), draw.choice(("pass", "resit", "merit")))
        for name, desk in zip(PEOPLE, draw.sample(range(301, 399), len(PEOPLE)), strict=True)
    )
    before = ("Marks are out of 100. A candidate who misses a paper is entered with 0.",)
    header = ("Candidate", "Desk", "Mathematics", "Physics", "History", "Drawing", "Outcome")
    return Table("exam-results.md", "Results of the summer examinations", before, header, rows)


def _timetable(draw: random.Random) -> Table:
    stops = ("Mill Lane", "Mill Road", "Station", "Old Station", "Harbour", "Abbey Gate")
    hours = ((4, 7), (21, 24), (7, 10), (18, 21))
    rows = tuple(
        (f"Line {line}", stop, *(_clock(draw, *each) for each in hours))
        for line, stop in product((1, 4, 11, 14), stops)
    )
    header = (
        "Line",
        "Stop",
        "Weekdays > First bus",
        "Weekdays > Last bus",
        "Sundays > First bus",
        "Sundays > Last bus",
    )
    return Table("bus-timetable.html", "Bus timetable", ("Dogs travel free of charge.",), header, rows, merged=True)


def _tariffs(draw: random.Random) -> Table:
    customers = ("Households", "Farms", "Small businesses", "Hotels", "Public buildings")
    bands = [(customer, f"Band {letter}") for customer, letter in product(customers, "ABCD")]
    charges = [_money(cents) for cents in draw.sample(range(310, 4200), 2 * len(bands))]
    rows = tuple((*band, *charges[2 * n : 2 * n + 2], f"{draw.randrange(2, 27)} weeks") for n, band in enumerate(bands))
    header = ("Customers", "Band", "Standing charge a month", "Price per cubic metre", "Notice")
    return Table("water-tariffs.html", "Water tariffs", ("Amounts are in crowns.",), header, rows, merged=True)


def _parts(draw: random.Random) -> Table:
    things = ("filter", "gasket", "impeller", "bearing", "seal ring", "coupling", "valve", "fuse")
    kinds = ("fine", "coarse", "large", "small", "double", "spare", "inlet", "outlet", "steel", "brass")
    names = [f"{kind} {thing}" for thing, kind in product(things, kinds)]
    stock = draw.sample(range(3, 900), len(names))
    rows = tuple(
        (f"KP-{number}", name, f"{draw.choice('CDEF')}{draw.randrange(10, 60)}", str(count),
         f"2026-0{draw.randrange(1, 6)}-{draw.randrange(1, 29):02}")
        for number, name, count in zip(draw.sample(range(4100, 4999), len(names)), names, stock, strict=True)
    )  # fmt: skip
    return Table("spare-parts.csv", "", (), ("Part", "Description", "Bin", "In stock", "Counted on"), rows)


def _invoices(draw: random.Random) -> Table:
    first = ("Alder", "Birch", "Cedar", "Elder", "Hazel", "Maple", "Rowan", "Willow")
    second = ("Bakery", "Bakers", "Dairy", "Nursery", "Press", "Garage", "Clinic", "Theatre")
    customers = [f"{a} {b}" for a, b in product(first, second)]
    numbers, cents = draw.sample(range(110, 990), len(customers)), draw.sample(range(8_000, 900_000), len(customers))
    rows = tuple(
        (f"25-{number:04}", customer, f"{draw.randrange(1, 29):02}/{draw.randrange(1, 13):02}/2025", _money(price),
         draw.choice(("paid", "open", "reminded")), draw.choice(PEOPLE))
        for number, customer, price in zip(numbers, customers, cents, strict=True)
    )  # fmt: skip
    before = ("Invoices sent", "Printed on 3 January 2026", "Currency: euro; dates are day/month/year")
    return Table("invoices.csv", "", before, ("Invoice", "Customer", "Sent", "Amount", "State", "Clerk"), rows)


def _staff(draw: random.Random) -> Table:
    first = ("Anna", "Anne", "Hanna", "Jon", "John", "Joan", "Lena", "Lea", "Tom", "Thomas", "Ines")
    names = [f"{a} {b}" for a, b in product(first, ("Keller", "Kellner", "Köhler", "Kohl", "Keeler", "Kehl"))]
    draw.shuffle(names)
    offices = sorted(draw.choices(("Accounts", "Dispatch", "Purchasing", "Quality", "Sales"), k=len(names)))
    rows = []
    for office, name, extension in zip(offices, names, draw.sample(range(4100, 4299), len(names)), strict=True):
        hours, room = draw.choice((18, 20, 24, 30, 32, 36, 38)), f"{draw.choice('ABC')}{draw.randrange(100, 399)}"
        rows.append((office, name, str(extension), room, Shown(hours, '0" h"', f"{hours} h")))
    header, before = ("Department", "Name", "Extension", "Room", "Hours a week"), ("Staff list, as of May 2026",)
    return Table("staff-list.xlsx", "Staff list", before, header, tuple(rows), merged=True)


def _leases(draw: random.Random) -> Table:
    things = ("forklift", "copier", "van", "truck", "cold store", "press", "lathe", "saw", "crane", "compressor")
    items = [f"{kind} {thing}" for thing, kind in product(things, ("old", "new"))]
    numbers, cents = draw.sample(range(700, 799), len(items)), draw.sample(range(9_000, 240_000), len(items))
    rows: list[Row] = []
    for number, item, price in zip(numbers, items, cents, strict=True):
        rate, minutes = draw.randrange(21, 119) / 10, draw.randrange(25 * 60, 90 * 60)
        end = datetime(2026, 9, 1) + timedelta(days=draw.randrange(1500))
        interest = Shown(rate / 100, "0.0 %", f"{rate:.1f} %")
        monthly = Shown(price / 100, '#,##0.00" €"', f"{_money(price)} €")
        service = Shown(timedelta(minutes=minutes), "[h]:mm", f"{minutes // 60}:{minutes % 60:02}")
        rows.append((f"L-{number}", item, interest, monthly, Shown(end, "DD.MM.YYYY", f"{end:%d.%m.%Y}"), service))
    header = ("Contract", "Leased item", "Interest", "Monthly rate", "Ends on", "Service time a year")
    return Table("leases.xlsx", "Leases", (), header, tuple(rows))


def _maintenance(draw: random.Random) -> Table:
    machines = [f"{name} {n}" for name, n in product(("Boiler", "Chiller", "Air handler", "Lift"), (1, 2, 3, 12))]
    rows = tuple(
        (machine, f"every {weeks} weeks", _work(draw), draw.choice(PEOPLE), f"{draw.randrange(2, 95)} minutes")
        for machine, weeks in zip(machines, draw.sample(range(2, 60), len(machines)), strict=True)
    )
    header = ("Machine", "Interval", "Work to do", "Responsible", "Time allowed")
    return Table("maintenance.docx", "Maintenance schedule", ("Log every visit.",), header, rows)


def _work(draw: random.Random) -> str:
    """Return work that takes more room than one chunk."""
    parts = "drive belt,oil level,drain,door contacts,burner,emergency stop,air intake,rope,pump".split(",")
    verbs = ("Look over", "Clean and dry", "Test twice", "Grease", "Tighten the screws of", "Note the gauge of")
    steps = [f"{draw.choice(verbs)} the {part}, and call the foreman if anything is worn." for part in parts]
    return " ".join(draw.sample(steps, len(steps)))


def _pump(draw: random.Random) -> Table:
    lines = (
        "Model: Tidewell 340; Rated flow: 46 m³/h; Maximum flow: 58 m³/h; Rated head: 32 m; Maximum head: 41 m; "
        "Suction head: 7 m; Motor power: 5.5 kW; Motor speed: 2,900 rpm; Supply voltage: 400 V; "
        "Starting current: 63 A; Running current: 11 A; Weight, dry: 84 kg; Weight, filled: 97 kg; "
        "Inlet flange: DN 80; Outlet flange: DN 65; Casing: cast iron; Impeller: bronze; Shaft: stainless steel; "
        "Shaft seal: carbon on ceramic; Lowest liquid temperature: -10 °C; Highest liquid temperature: 110 °C; "
        "Noise: 68 dB; Protection: IP 55; Oil change: after 2,000 hours; Guarantee: 30 months"
    )
    rows = tuple(tuple(line.split(": ")) for line in lines.split("; "))
    return Table("pump-sheet.docx", "Technical data", ("Read the safety notes before you start the pump.",), (), rows)


def _opening_hours(draw: random.Random) -> Table:
    places = ("North Street", "North Gate", "South Street", "South Gate", "Market Hall", "Market Square", "Riverside")
    rows = tuple(
        (place, *(f"{_clock(draw, 7, 10)}-{_clock(draw, *end)}" for end in ((17, 20), (13, 16))),
         draw.choice(("closed", "10:00-12:00", "11:00-14:30")), f"01 {phone}")
        for place, phone in zip(places, draw.sample(range(2000, 2999), len(places)), strict=True)
    )  # fmt: skip
    header = ("Library", "Monday to Friday", "Saturday", "Sunday", "Phone")
    return Table("opening-hours.pptx", "Opening hours of the libraries", (), header, rows)


def _torques(draw: random.Random) -> Table:
    sides, parts = ("front left", "front right", "rear left", "rear right"), ("wheel", "brake", "damper", "arm", "stay")
    places = [f"{side} {part}, {place}" for side, part, place in product(sides, parts, ("upper", "lower", "middle"))]
    numbers, torques = draw.sample(range(100, 400), len(places)), draw.sample(range(4, 190), len(places))
    rows = tuple(
        (f"T{number}", place, f"M{draw.choice((5, 6, 8, 10))}", f"{torque} Nm", draw.choice(("dry", "oil", "paste")))
        for number, place, torque in zip(numbers, places, torques, strict=True)
    )
    return Table("torques.pdf", "Tightening torques", (), ("Joint", "Place", "Thread", "Torque", "Lubricant"), rows)
