import pytest

from rag.answering.wording.opposites import says_asked_end, says_opposite


def opposite(question: str, sentence: str, span: str) -> bool:
    start = sentence.index(span)
    return says_opposite(question, sentence, (start, start + len(span)))


LEASE = "The lease begins on 4 March 2022 and expires on 3 March 2027."
POOL = "The pool opens at 8 and closes at 18."
TRAIN = "The night train departs at 22:40 and arrives at 07:15."


@pytest.mark.parametrize(
    ("question", "sentence", "right", "wrong"),
    [
        ("When does the lease end?", LEASE, "3 March 2027", "4 March 2022"),
        ("When does the lease start?", LEASE, "4 March 2022", "3 March 2027"),
        ("When does the pool open?", POOL, "8", "18"),
        ("When does the pool close?", POOL, "18", "8"),
        ("At what time does the train leave?", TRAIN, "22:40", "07:15"),
        ("At what time does the train arrive?", TRAIN, "07:15", "22:40"),
        ("What is the maximum load?", "The maximum is 40 t, the minimum 2 t.", "40 t", "2 t"),
        ("When did Ida Falk leave?", "Ida Falk joined in 2011 and left in 2019.", "2019", "2011"),
    ],
)
def test_the_other_end_of_a_scale_in_one_sentence(question, sentence, right, wrong):
    assert opposite(question, sentence, wrong) and not opposite(question, sentence, right)


@pytest.mark.parametrize(
    ("question", "sentence", "span"),
    [
        ("When does the permit expire?", "The permit starts on 9 May 2025.", "9 May 2025"),
        ("When was the branch closed?", "The branch opened in 1994.", "1994"),
        ("What is the minimum stay?", "The maximum stay is 14 nights.", "14 nights"),
        ("When did the guarantee begin?", "The guarantee runs until 2 June 2028.", "2 June 2028"),
        ("When was the boat bought back?", "The boat was bought in 2017.", "2017"),
    ],
)
def test_a_sentence_about_the_other_end_alone(question, sentence, span):
    assert opposite(question, sentence, span)


@pytest.mark.parametrize(
    ("question", "sentence", "span"),
    [
        ("When does the guarantee end?", "The guarantee runs until 2 June 2028.", "2 June 2028"),
        ("When was the boat bought back?", "The boat was bought back in 2021.", "2021"),
        ("Where does the path end?", "The path starts at the mill.", "the mill"),
        ("When does the course begin and end?", "The course begins on 3 May.", "3 May"),
        ("When does it end?", "At the end of the walk, which starts in June, tea is served in July.", "July"),
        ("How long is the lease?", LEASE, "4 March 2022"),
    ],
)
def test_what_is_no_opposite(question, sentence, span):
    assert not opposite(question, sentence, span)


def test_a_sentence_that_has_the_asked_end():
    assert says_asked_end("When does the lease end?", LEASE)
    assert not says_asked_end("When does the lease end?", "The lease begins on 4 March 2022.")
