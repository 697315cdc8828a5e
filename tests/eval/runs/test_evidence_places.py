from eval.runs.evidence_places import evidence_as_read
from eval.runs.questions import Evidence, Question
from rag.core.sections import DocumentSettings
from rag.documents.document import read_document

BUOYS = """# Buoys

| Buoy | Colour | Depth |
| --- | --- | --- |
| Hen | red | 12 m |
| Cock | red | 14 m |

The red ones are lit.
"""


def asked(file, words, nth=0):
    start = -1
    for _ in range(nth + 1):
        start = file.index(words, start + 1)
    return Question("1", "?", (words,), "buoys.md", (Evidence("buoys.md", start, start + len(words)),), "answerable")


def test_evidence_in_a_table_is_found_in_the_row_as_it_is_read(tmp_path):
    path = tmp_path / "buoys.md"
    path.write_text(BUOYS)
    text = read_document(path, "buoys.md").text
    questions = [asked(BUOYS, "14 m"), asked(BUOYS, "red", 1), asked(BUOYS, "lit"), asked(BUOYS, "Colour")]
    found = evidence_as_read(questions, {"buoys.md": path}, DocumentSettings())
    (depth,), (second,), (lit,), head = (question.evidence for question in found)
    assert text[depth.start : depth.end] == "14 m" and text[lit.start : lit.end] == "lit"
    assert text[: second.start].endswith("Buoy: Cock; Colour: ")
    assert head == (), "the head's word stands once in the file and in each row"
