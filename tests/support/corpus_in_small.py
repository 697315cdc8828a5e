"""A few documents, and questions about them, for whole evaluations in tests.

One passage holds what would end a script in a page, and one does not begin where its document does.
"""

from eval.runs.questions import Evidence, Question

DOCUMENTS = {
    "crane.md": "\n\n# Crane\n\nThe crane lifts 40 tonnes. It was built in 1987.",
    "mole.md": (
        "# Mole\n\nThe mole is 640 metres long. </script><script>alert(1)</script> <!-- & \u2028 It is made of granite."
    ),
    "limit.md": "# Limits\n\nNo lorry of more than 40 tonnes may use the bridge.",
    "office.md": "# Office\n\nThe office opens at 08:30 and closes at 17:00.",
}
PARTS = {"crane.md": "mined", "mole.md": "incoming", "limit.md": "unmined", "office.md": "mined"}


def _question(id: str, text: str, answer: str | None, document: str, kind: str) -> Question:
    start = DOCUMENTS[document].index(answer) if answer else -1
    evidence = (Evidence(document, start, start + len(answer)),) if answer else ()
    return Question(id, text, (answer,) if answer else (), document, evidence, kind)


QUESTIONS = [
    _question("crane", "How many tonnes does the crane lift?", "40 tonnes", "crane.md", "number"),
    _question("built", "When was the crane built?", "1987", "crane.md", "number"),
    _question("mole", "How long is the </script> mole in metres?", "640 metres", "mole.md", "number"),
    _question("granite", "What is the mole made of?", "granite", "mole.md", "name"),
    _question("bridge", "How heavy may a lorry on the bridge be?", "40 tonnes", "limit.md", "number"),
    _question("opens", "When does the office open?", "08:30", "office.md", "number"),
    _question("cup", "Who won the crane cup?", None, "crane.md", "unanswerable"),
    _question("boat", "Which boat passed the mole first?", None, "mole.md", "unanswerable"),
    _question("fax", "What is the office's fax number?", None, "office.md", "unanswerable"),
]
