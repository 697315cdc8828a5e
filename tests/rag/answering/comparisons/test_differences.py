import pytest

from rag.answering.comparisons.differences import find_difference


@pytest.mark.parametrize(
    "first, second, apart",
    [
        ("14 days", "10 days", "4 days"),
        ("14 days", "ten", "4 days"),
        ("one year", "3 years", "2 years"),
        ("£14 a week", "£9.50", "£4.50"),
        ("£1,200", "£900", "£300"),
        ("5 %", "3 %", "2 percentage points"),
        ("44p a mile", "19p a mile", "25 pence"),
        ("0.5m", "1 m", "0.5 metres"),
        ("12kg", "9 kg", "3 kilograms"),
        ("120 metres", "90 m", "30 metres"),
        ("1998", "2012", "14 years"),
        ("3rd May", "9 May", "6 days"),
        ("07:40", "06:45", "55 minutes"),
        ("08:30", "17:00", "8 hours 30 minutes"),
        ("318,400 passengers", "301,900 passengers", "16,500 passengers"),
        ("8 m", "8.0 m", "0 metres"),
    ],
)
def test_values_of_one_kind_have_a_difference_with_its_unit(first, second, apart):
    assert find_difference(first, second).text == apart
    assert find_difference(second, first).text == apart


@pytest.mark.parametrize(
    "first, second",
    [
        ("40p", "£1"),
        ("14 working days", "10 days"),
        ("2 hours", "30 minutes"),
        ("2025", "five years"),
        ("3 February", "4 March"),  # depends on the year
        ("31 December", "1 March"),
        ("12", "£3"),
        ("red", "10 days"),
        ("10 to 14 days", "3 days"),
    ],
)
def test_values_of_different_kinds_have_none(first, second):
    assert find_difference(first, second) is None


def test_the_larger_value_is_told():
    assert find_difference("14 days", "10 days").first_is_larger
    assert not find_difference("06:45", "07:40").first_is_larger
