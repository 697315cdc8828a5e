import pytest

from rag.answering.kinds.polarity import asks_whether, polarity


@pytest.mark.parametrize(
    "question",
    [
        "May dogs use the ferry?",
        "Can't I pay in cash?",
        "Is the lid heavy?",
        "And does it need oil?",
        "Is the ferry running when it snows?",
        "The boat is 9 m long and has no engine. Can we moor it at the pier?",
        "A little fire on the beach in the evening. OK?",
        "the skipper has two boxes left, may he keep them?",
        "If the wind is over 40 knots, is the race off?",
    ],
)
def test_questions_that_yes_or_no_answers(question):
    assert asks_whether(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is the office open?",
        "When is it open, and can I park there?",
        "Is the lid red or blue?",
        "Is the ferry late on Sundays, and how late?",
        "Isabel Marten was born where?",
        "Who may open the lid?",
    ],
)
def test_questions_that_yes_or_no_does_not_answer(question):
    assert not asks_whether(question)


@pytest.mark.parametrize(
    "question, sentence",
    [
        ("Can I bring my dog?", "Dogs may travel on the open deck, on a lead."),
        ("Do I have to wear a helmet on the quay?", "A helmet must be worn on the quay at all times."),
        ("Was the mole repaired in 2024?", "The Long Mole was repaired in 2024."),
        ("Can I take an 8 kg bag?", "Bags up to 10 kg are carried free."),
        ("Is a boat of 12 m long enough?", "Boats of at least 10 m may enter."),
        ("Is there any case where I get it back?", "The deposit is never paid back, with one exception: illness."),
        ("Can't guests stay overnight?", "Guests may stay overnight."),
    ],
)
def test_a_sentence_that_says_yes(question, sentence):
    assert polarity(question, sentence) is True


@pytest.mark.parametrize(
    "question, sentence",
    [
        ("Can I bring a dog into the saloon?", "Dogs are not allowed in the saloon."),
        ("Do I need a permit for changing a lamp?", "Changing lamps from the ground does not need a permit."),
        ("Is the museum open in winter?", "The museum is closed from November to March."),
        ("Can I take a 12 kg bag?", "Bags up to 10 kg are carried free."),
        ("Can I cancel after 30 days?", "You may cancel within 14 days."),
        ("Is smoking allowed on deck?", "Smoking is prohibited throughout the vessel."),
        ("Must I wear the badge?", "Wearing the badge is optional."),
        ("Are trainees paid?", "Trainees are unpaid."),
    ],
)
def test_a_sentence_that_says_no(question, sentence):
    assert polarity(question, sentence) is False


@pytest.mark.parametrize(
    "question, sentence",
    [
        ("May a trainee work alone?", "Only a certified fitter may work alone."),
        ("Do passengers pay for bicycles?", "Bicycles travel free."),
        ("Is the pump loud?", "The harbour master signs the log."),
        ("Must the gate be locked?", "The gate is green."),
        ("Can I take a 12 kg bag?", "Bags are kept for 10 days."),
        ("Can I fit the picture to the screen?", "Fitting to the screen may not be supported depending on the model."),
        ("Is the ferry heated?", "The ferry is not heated on some days."),
    ],
)
def test_a_sentence_whose_words_do_not_tell(question, sentence):
    assert polarity(question, sentence) is None
