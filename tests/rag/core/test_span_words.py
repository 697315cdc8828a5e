import pytest

from rag.core.span_words import WORD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is 1,200.50 at 17:05, £5 or 50 €.", ["It", "is", "1,200.50", "at", "17:05", "£5", "or", "50 €"]),
        ("run --dry-run -p /etc/pump.d", ["run", "--dry", "run", "-p", "/etc", "pump", "d"]),
        ("~/x ./go.sh ../y .env (@ada)", ["~/x", "./go", "sh", "../y", ".env", "@ada"]),
        ("C++ and C# at 9 p.m. in the U.S.", ["C++", "and", "C#", "at", "9", "p.m.", "in", "the", "U.S."]),
        ("-5 °C, 7.5 % or 5%", ["-5", "C", "7.5 %", "or", "5%"]),
        ("snake_case __init__ word-5 a+b", ["snake_case", "__init__", "word", "5", "a", "b"]),
        ("费用是300元、タワーより", ["费", "用", "是", "300", "元", "タワー", "より"]),
        ("दिल्ली में", ["दिल्ली", "में"]),
    ],
)
def test_words_are_whole(text, words):
    assert WORD.findall(text) == words
