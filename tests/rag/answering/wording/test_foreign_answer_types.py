import pytest

from rag.answering.wording.answer_type import expected_type


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        ("Bis wann ist die Umlage zu zahlen?", "zum 15. Juni", "auf das Konto"),
        ("Wann hat der Laden offen?", "montags bis freitags", "der Laden"),
        ("Wie hoch ist die Umlage?", "90 Euro", "hoch"),
        ("Wie lange gilt der Vertrag?", "drei Jahre", "der Vertrag"),
        ("Quand part le ferry ?", "le 1er mai", "le quai"),
        ("Combien coûte la carte ?", "douze euros", "la carte"),
        ("¿Cuándo cierra la sala?", "en agosto", "la sala"),
        ("¿Cuántos días hay?", "quince días", "la sala"),
        ("Quando apre il museo?", "martedì", "il museo"),
        ("Quanto costa il biglietto?", "8 euro", "il biglietto"),
        ("Hoeveel kost het kaartje?", "8 euro", "het kaartje"),
        ("几点关门？", "晚上十点", "大门"),
        ("费用是多少？", "三百元", "费用"),
    ],
)
def test_when_and_how_much_are_known_in_other_languages(question, right, wrong):
    kind = expected_type(question)
    assert kind is not None and kind.search(right) and not kind.search(wrong)


@pytest.mark.parametrize("question", ["Wer leitet den Verein?", "What are quanta?", "谁负责？", "Où est la gare ?"])
def test_other_questions_say_nothing(question):
    assert expected_type(question) is None
