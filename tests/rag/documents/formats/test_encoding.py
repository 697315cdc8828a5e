import codecs

import pytest

from rag.core.errors import DocumentError
from rag.documents.formats.base.encoding import decode

WORDS = {
    "French": "Où l'écluse est-elle fermée à clé ? Près du barrage élevé, à la fin de l'été, le péage coûte très peu.",
    "Spanish": "¿Cuándo abre la oficina del señor Núñez? A las ocho de la mañana. El muelle más pequeño está allí.",
    "Danish": "Den røde lampe står på bordet ved søen. Færgen sejler året rundt, og gæster på øen betaler bagefter.",
    "German": "Störungen der Kühlanlage meldet man sofort dem Hafenmeister. "
    "Für Gäste kostet die Nacht fünfzehn Mark, größere Schiffe zahlen mehr.",
    "Russian": "Портовая контора открывается в половине девятого. Кран поднимает сорок тонн. "
    "О неисправностях сообщают сразу начальнику порта.",
    "Greek": "Το λιμεναρχείο ανοίγει στις οκτώ και μισή. Ο γερανός σηκώνει σαράντα τόνους. "
    "Οι βλάβες αναφέρονται αμέσως στον λιμενάρχη.",
    "Polish": "Biuro portu otwiera się o wpół do dziewiątej. Żuraw podnosi czterdzieści ton. "
    "Usterki zgłasza się natychmiast kapitanowi portu. Źdźbło.",
    "Japanese": "港湾事務所は八時半に開きます。起重機は四十トンを持ち上げます。故障はすぐに港長に知らせてください。",
    "Chinese": "港务局八点半开门。起重机可以吊起四十吨。发现故障请立即报告港长。来访船只可以停泊三天，大船收费更高。",
    "Korean": "항만 사무소는 여덟 시 반에 문을 엽니다. 기중기는 사십 톤을 들어 올립니다. "
    "고장은 항장에게 바로 알리십시오.",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("language", WORDS)
def test_unicode(language, encoding):
    assert decode(WORDS[language].encode(encoding)) == WORDS[language]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_unicode_without_a_byte_order_mark(encoding):
    assert decode(WORDS["German"].encode(encoding)) == WORDS["German"]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("German", "cp1252"),
        ("French", "cp1252"),
        ("Spanish", "latin-1"),
        ("Danish", "cp1252"),
        ("French", "mac-roman"),
        ("Russian", "cp1251"),
        ("Russian", "koi8-r"),
        ("Greek", "cp1253"),
        ("Polish", "cp1250"),
        ("Japanese", "shift-jis"),
        ("Japanese", "euc-jp"),
        ("Chinese", "gb18030"),
        ("Chinese", "big5"),
        ("Korean", "euc-kr"),
    ],
)
def test_older_encodings(language, encoding):
    text = WORDS[language] * 3
    if encoding == "big5":
        text = "港務局八點半開門。起重機可以吊起四十噸。發現故障請立即報告港長。" * 3
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("text", ["Fee: £15 – “due” now", "naïve café", "10 €", "Straße"])
def test_a_few_foreign_characters_are_western(text):
    assert decode(text.encode("cp1252")) == text


def test_line_ends_are_those_that_open_gives():
    assert decode(b"one\r\ntwo\rthree\n") == "one\ntwo\nthree\n"


def test_a_byte_order_mark_is_no_text():
    assert decode(codecs.BOM_UTF8 + b"words") == "words"


@pytest.mark.parametrize(
    "data", [b"a\0b", b"\0" * 100, bytes(range(256)), b"words " * 100 + b"\0\1\2", b"\1\2\3\4" * 20]
)
def test_binary_data_is_refused(data):
    with pytest.raises(DocumentError, match="binary"):
        decode(data)
