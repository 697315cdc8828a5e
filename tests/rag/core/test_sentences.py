"""Sentence ends: in the parametrized texts a bar stands where one sentence ends and the next begins."""

import random
import time

import pytest

from rag.core.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "marked",
    [
        # Initials, titles, abbreviations before a number and before anything
        "Parcels for the east gate go to M. Tolland, see No. 12 of the list.¦ The warden keeps the key.",
        "The foreman T. W. Ashdown signs for loads of approx. 30 crates.¦ Nobody else may sign.",
        "Dr. Lena Voss heads the ward.¦ Mr. and Mrs. Pike live at 4 St. Anne's Road.¦ Capt. De Vries left.",
        "See Fig. 3, App. B and Tab. 4 on p. 17.¦ Eq. 5 gives the load, cf. Smith et al. 2004.",
        "Northwind Co. Ltd. ships from Leeds.¦ Brown Bros. Timber sells wood.",
        "Use a solvent, e.g. Acetone, for max. 5 min. per part, i.e. The Blue One.¦ No water.",
        "On Jan. 5 the office moved.¦ It reopened on Dec. 1.¦ Reg. No. 44 applies.",
        "He met J.R.R. Osgood, J.-P. Marat and Ursula K. Le Roy.¦ They ate.",
        "Order nos. 5 and 6 are lost.¦ The tank, Bldg. 9, holds 5 ft. 3 in. of oil.",
        # Abbreviations that end a sentence, and words that only look like one
        "They closed the deal with Alder & Co.¦ It held.¦ The meeting ends at 5 p.m.¦ Bring lunch.",
        "It starts at 9 a.m. Monday.¦ He works for the U.S. Army in the U.K.¦ They pay him.",
        "Was it sent?¦ No.¦ It was lost.¦ The answer is no.¦ A crane is a crane.",
        "It weighs 12 kg.¦ Cranes lift it.¦ Save it as PDF.¦ Then we print.",
        "A good team, you and I.¦ Did you see her?¦ I liked it.¦ I did.",
        # Numbers, ellipses, quotation marks, notes
        "It was 1998.¦ The plant opened in 2001.¦ 40 people work there.¦ £30 is due.",
        "Version 2.4.1 is out.¦ Get it from example.org.¦ It costs $3.50 per seat.",
        "Wait...¦ The door opened.¦ It was ... a cat [...] The end.",
        'She said "Stop!"¦ He did not stop.¦ (He was deaf.)¦ Then he fell.',
        "“Is it late?” she asked.¦ “It is.”¦ He left.[3]¦ Nobody saw him.",
        "**Late.**¦ *Never* come late.¦ [The list](x.md) says so.",
        # Letters beyond A to Z
        "Élodie signed.¦ Öztürk did not.¦ Ångström did.",
        "El Sr. Ruiz vive aquí.¦ ¿Dónde está el banco?¦ Está lejos.¦ ¡Qué bien!",
        "M. Dupuis et Mme. Roy partent.¦ À midi, tout ferme.¦ Oui !¦ « C'est bien. »¦ Elle partit.",
        "Директор И. П. Орлов подписал договор.¦ Это дорого, см. рис. 4.¦ Ёлка стоит.",
        "Ο κ. Παππάς ήρθε.¦ Πού είναι;¦ Είναι εδώ.",
        # German ordinals and abbreviations
        "Die Miete ist bis zum 15. Juni zu zahlen.¦ Frau Dr. Weiss prüft das seit dem 2. Februar 2017.",
        "Die 2. Sitzung ist im 3. Stock, ca. 20 Personen, d. h. alle, z. B. Gärtner.¦ Siehe Abs. 2 Nr. 4 bzw. Art. 7.",
        "Das Haus ist aus dem 19. Jahrhundert.¦ Es kamen 12.¦ Danach ging man.",
        "Er wohnt in der Bachstr. 5.¦ Er sagte: „Das reicht.“¦ Dann ging er.",
        # Scripts without spaces or with stops of their own
        "会议在北京举行。¦费用是3.5元。¦谁负责？¦他说：“好。”¦然后走了。¦谁?¦我。",
        "会議は東京です。¦「はい。」と言いました。¦誰ですか？¦田中さんです！",
        "회의는 서울에서 열립니다.¦ 비용은 300원입니다.",
        "من المسؤول؟¦ السيد علي.¦ الرسوم 300 جنيه.",
        "बैठक दिल्ली में है।¦ शुल्क 300 रुपये है।",
        "اجلاس لاہور میں ہے۔¦ فیس ۳۰۰ ہے۔",
    ],
)
def test_sentences_end_where_a_reader_ends_them(marked):
    assert sentences(marked.replace("¦", "")) == [part.strip() for part in marked.split("¦")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1. Fill the tank. 2. Close the lid.\n3. Press it", ["1. Fill the tank.", "2. Close the lid.", "3. Press it"]),
        ("3.2. Payment is due.\n3.3 Late fees\n4.1 Others", ["3.2. Payment is due.", "3.3 Late fees", "4.1 Others"]),
        ("(a) red paint\n(b) blue paint\nii) none", ["(a) red paint", "(b) blue paint", "ii) none"]),
        ("Steps:\n– open it\n– shut it", ["Steps:", "– open it", "– shut it"]),
        ("the lamp – red\n– is on", ["the lamp – red\n– is on"]),
        ("Bis zum\n4. Mai ist zu.", ["Bis zum\n4. Mai ist zu."]),
        ("a *very*\n*long* word and -\n-5 degrees", ["a *very*\n*long* word and -\n-5 degrees"]),
        ("## Fees. Boats\nA boat pays.", ["## Fees. Boats", "A boat pays."]),
        ("Fees\n====\nA boat pays.\n\n---\nMore.", ["Fees", "A boat pays.", "More."]),
        ("| Part | Size |\n|---|---|\n| Bolt | M8. Zinc |", ["| Part | Size |", "| Bolt | M8. Zinc |"]),
        ("part: Bolt; note: See No. 4. Do not mix\npart: Nut; note: none. New", None),
        ("Run:\n\n```sh\nmake all \\\n  -j2\n./go. Now\n```\nDone. Well.", None),
        ("tail of code\nmore\n```\n\nText goes\non.", ["tail of code", "more", "Text goes\non."]),
    ],
)
def test_items_headings_rows_and_code_are_apart(text, parts):
    wanted = {
        "part": text.split("\n"),
        "Run:": ["Run:", "make all \\\n  -j2", "./go. Now", "Done.", "Well."],
    }
    assert sentences(text) == (parts or wanted[text[:4]])


def test_nothing_but_space_and_marks_between_sentences_is_lost():
    rng = random.Random(5)
    pieces = ["Dr", ".", ". ", "?", "”", "“", "(", ")", "\n", "\n\n", "5", "A", "the ", "März ", "。", "好", "; ", ": "]
    pieces += ["| ", "```", "- ", "# ", "é", "\u200b", "[1]", "...", "«", "»", "I ", "No", "z. B. ", "\\", "_", "*"]
    for _ in range(2000):
        text = "".join(rng.choices(pieces, k=rng.randrange(30)))
        spans = sentence_spans(text)
        assert all(a <= b for a, b in spans) and all(a[1] <= b[0] for a, b in zip(spans, spans[1:], strict=False))
        assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)
        kept = {at for a, b in spans for at in range(a, b)}
        assert not any(c.isalnum() for at, c in enumerate(text) if at not in kept and "```" not in text)


@pytest.mark.parametrize("piece", ["-|", "| ", "x: y; ", "a. ", "...", "- ", "「", "*", ". \n", "1.", "``` x\n"])
def test_no_text_takes_long(piece):
    start = time.process_time()
    sentence_spans(piece * 20_000)
    assert time.process_time() - start < 5
