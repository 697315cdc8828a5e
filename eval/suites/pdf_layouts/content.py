"""Made-up prose and tables that the layouts are set from."""

from __future__ import annotations

PROSE = [
    "The harbour board of Tolmouth met in the long room on the second Tuesday of March. It agreed that the fish "
    "market will move to the northern quay before the season begins, and that the old hall is to be kept for "
    "storage until a buyer has been found.",
    "Engineers inspected the lifting bridge for eleven days. They measured the bearings, replaced two hydraulic "
    "cylinders and recommended that the control cabin be insulated, since condensation had damaged three of the "
    "switching cabinets during the winter.",
    "Visitors reach the lighthouse by the coastal footpath, which is closed whenever the wind is stronger than "
    "sixty kilometres an hour. Guided tours are offered between Easter and the end of October; groups of more "
    "than fifteen people should telephone beforehand.",
    "Dr Ruth Ansbach, who directed the laboratory for nineteen years, has handed it over to Piotr Wolski. He "
    "intends to continue the measurements of groundwater and to publish the observations of every station at the "
    "end of each quarter.",
    "The cooperative bought a second refrigeration plant from a dairy in Hesketh. Its compressors use ammonia, "
    "therefore everybody who works in the machine room must complete the safety instruction and carry a detector "
    "that was calibrated within the last month.",
    "Applications for a mooring licence are considered in the order in which they arrive. The harbour master may "
    "refuse an application when the vessel is longer than fourteen metres, when its insurance has expired or when"
    " charges of an earlier year remain unpaid.",
    "A new timetable applies from the ninth of June. Ferries to Skarholm leave every forty minutes, and the last "
    "crossing on Saturdays is at a quarter past eleven; bicycles are carried free of charge if there is "
    "sufficient space on the lower deck.",
    "During the restoration of the customs house, carpenters uncovered a painted ceiling beneath the plaster. "
    "Conservators from the university examined the pigments and concluded that the decoration was completed "
    "shortly after the great fire.",
    "The reservoir above Garrow holds nine million cubic metres. After the drought its level had fallen by almost"
    " seven metres, and the municipality distributed drinking water by lorry to the villages on the eastern slope"
    " until the middle of September.",
    "Volunteers counted seabirds on the cliffs at dawn. Kittiwakes had declined again, whereas the population of "
    "razorbills was larger than in any year since records began; the complete figures are available from the "
    "warden on request.",
    "The apprentices spend their first autumn in the pattern shop, where they learn to read drawings and to work "
    "in softwood. Those who pass the examination move on to the foundry in January under the supervision of Mrs "
    "Ellen Tarbuck.",
    "An electrical fault stopped the conveyor at ten minutes to four. The shift leader switched to the emergency "
    "supply, informed the control room and restarted the belt after the technicians had exchanged the damaged "
    "relay.",
]
GERMAN = [
    "Die Hafenverwaltung teilt mit, dass die Schleuse wegen dringender Instandsetzungsarbeiten vom dritten bis "
    "zum neunten November gesperrt bleibt. Schiffe mit einer Länge von höchstens zwölf Metern können über den "
    "Seitenkanal ausweichen.",
    "Für die Genehmigung ist die Wasserbehörde in Lüdershagen zuständig. Der Antrag muss spätestens sechs Wochen "
    "vor Beginn der Veranstaltung eingereicht werden und einen Nachweis über die Haftpflichtversicherung "
    "enthalten.",
    "Die Abteilungsleiterin Frau Grünewald übernimmt ab Oktober die Öffentlichkeitsarbeit. Rückfragen zur "
    "Jahresabrechnung beantwortet weiterhin Herr Vößing, der montags und donnerstags im Verwaltungsgebäude zu "
    "sprechen ist.",
]
BERTHS = [
    ["Berth", "Depth", "Crane", "Fee"],
    ["Anker", "5.5 m", "none", "18.40"],
    ["Birke", "7.0 m", "12 t", "126.00"],
    ["Dorsch", "4.2 m", "none", "9.75"],
    ["Elster", "11.3 m", "40 t", "1,250.00"],
    ["Falke", "8.8 m", "25 t", "340.50"],
]
STAFF = [
    ["Name", "Duty", "Room", "Since"],
    ["Ida Penrose", "Pilot", "B 14", "2011"],
    ["Marek Dunn", "Diver", "B 16", "2019"],
    ["Sofia Lunde", "Clerk", "A 02", "2003"],
    ["Tom Ashdown", "Welder", "C 31", "2022"],
    ["Yasmin Roth", "Warden", "A 07", "2016"],
]
SHEET = [
    ["Hull", "aluminium"],
    ["Length", "23.8 m"],
    ["Engines", "2 x 410 kW"],
    ["Range", "290 nautical miles"],
    ["Crew", "4"],
]
NAMES = """Alder Birch Cedar Doum Elm Fir Gorse Hazel Ivy Juniper Katsura Larch Maple Nutmeg Oak Pine Quince Rowan Sloe
Teak""".split()


def long_table(rows: int) -> list[list[str]]:
    """Return a table with a header and so many rows, each with values of its own."""
    names = [f"{NAMES[i % 20]} {i // 20 + 1}" for i in range(rows)]
    body = [
        [name, f"{100 + 7 * i}", f"{(i * 37) % 90 + 10}.{i % 10} t", "ABCD"[i % 4] + str(i % 9)]
        for i, name in enumerate(names)
    ]
    return [["Yard", "Lot", "Weight", "Bay"], *body]
