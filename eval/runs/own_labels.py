"""People's own questions and answers as evaluation questions, with documents, and evidence where it is clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eval.runs.questions import Evidence, Question
from rag.core.errors import DataError, DocumentError, EvaluationError
from rag.core.sections import DocumentSettings
from rag.documents.discovery import find_files
from rag.documents.document import read_document
from rag.labels.answer_place import answer_places
from rag.labels.document_names import DocumentNames
from rag.labels.folded_text import FoldedText
from rag.labels.label_file import LabelFile, listed
from rag.labels.label_row import LabelledQuestion, RejectedRow

LISTED = 20  # rejected rows that are named one by one


@dataclass
class _Sought:
    """A question, its document, and the places of its answers found so far; in_context: those in a given context."""

    label: LabelledQuestion
    document: str
    places: list[Evidence] = field(default_factory=list)
    in_context: list[Evidence] = field(default_factory=list)
    literals: dict[str, None] = field(default_factory=dict)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The place of the answer, where there is one alone: of several nobody knows which the person meant."""
        places = self.in_context or self.places
        return (places[0],) if len(places) == 1 else ()


def read_own_questions(
    labels: LabelFile, documents: Path, settings: DocumentSettings
) -> tuple[list[Question], list[str]]:
    """Return the questions of a file of labels about a folder of documents, and what the report must say first.

    The evidence is the place where the answer stands in the documents, if there is one alone. Prints how the file was
    read, and each row that is left out with the reason. Raises EvaluationError where no question is left.
    """
    files = {id: path for path, id in find_files(documents)}
    sought, rejected = _with_documents(labels, files, documents)
    unread = _find_places(sought, files, settings)
    rejected += [
        _rejected(each.label, "its document can't be read", unread[each.document])
        for each in sought
        if each.document in unread
    ]
    sought = [each for each in sought if each.document not in unread]
    rejected.sort(key=lambda row: row.row)
    notes = _notes(labels, sought, rejected)
    lines = [str(row) for row in rejected[:LISTED]]
    print("\n".join([f"{labels.path}:", *(f"  {line}" for line in (*labels.notes, *notes, *lines))]))
    if not sought:
        raise EvaluationError(f"{labels.path} has no question that can be asked: mend the rows listed above")
    return _questions(sought), notes


def _with_documents(
    labels: LabelFile, files: dict[str, Path], documents: Path
) -> tuple[list[_Sought], list[RejectedRow]]:
    names, sought, rejected = DocumentNames(files), [], list(labels.rejected)
    for label in labels.questions:
        try:
            sought.append(_Sought(label, names.find(label.document) if label.document else ""))
        except DataError as error:
            rejected.append(_rejected(label, f"its document is not in {documents}", str(error)))
    return sought, rejected


def _rejected(label: LabelledQuestion, reason: str, detail: str) -> RejectedRow:
    return RejectedRow(label.row, reason, detail, {"question": label.question, "document": label.document})


def _find_places(sought: Sequence[_Sought], files: dict[str, Path], settings: DocumentSettings) -> dict[str, str]:
    """Look for each answer in its document, or in all where none is named; return why documents can't be read."""
    answered = [each for each in sought if each.label.answers]
    everywhere = [each for each in answered if not each.document]
    unread: dict[str, str] = {}
    for id, path in files.items():
        asked = [*everywhere, *(each for each in answered if each.document == id)]
        if not asked:
            continue
        try:
            text = FoldedText(read_document(path, id, settings).text)
        except DocumentError as error:
            unread[id] = str(error)
            continue
        for each in asked:
            _add_places(each, id, text)
    return unread


def _add_places(sought: _Sought, document: str, text: FoldedText) -> None:
    contexts = [place for context in sought.label.contexts for place in _context_places(context, text)]
    found = sorted({place for answer in sought.label.answers for place in answer_places(answer, text)})
    for start, end in found:
        if any(start < other.end and other.start < end for other in sought.places if other.document == document):
            continue  # "24 V" within "24 V DC", where both are right answers
        place = Evidence(document, start, end)
        sought.places.append(place)
        sought.literals[" ".join(text.text[start:end].split())] = None
        if any(first <= start and end <= last for first, last in contexts):
            sought.in_context.append(place)


def _context_places(context: str, text: FoldedText) -> list[tuple[int, int]]:
    wanted = FoldedText(context).folded
    found = text.find(wanted) if wanted else None
    return [found[:2]] if found else []


def _questions(sought: Sequence[_Sought]) -> list[Question]:
    questions: dict[str, Question] = {}
    for each in sought:
        label, row = each.label, f"row {each.label.row}"
        id = label.id if label.id and label.id not in questions else " ".join(filter(None, (label.id, row)))
        answers = tuple(dict.fromkeys((*each.literals, *label.answers))) if label.answers else ()
        document = each.document or next((place.document for place in each.evidence), "")
        kind = label.kind or ("answerable" if answers else "unanswerable")
        questions[id] = Question(id, label.question, answers, document, each.evidence, kind)
    return list(questions.values())


def _notes(labels: LabelFile, sought: Sequence[_Sought], rejected: Sequence[RejectedRow]) -> list[str]:
    answered = [each for each in sought if each.label.answers]
    nowhere = [str(each.label.row) for each in answered if not each.places]
    several = [str(each.label.row) for each in answered if each.places and not each.evidence]
    empty = [str(each.label.row) for each in sought if each.label.unmarked]
    counts = {
        f"of {len(sought) + len(rejected)} rows are left out": [str(row.row) for row in rejected],
        "answers stand in no document word for word, so that only their words are compared": nowhere,
        "answers stand in several places, so that search and citations are not measured by them": several,
        "answers are empty, and taken as not answered by the documents": empty,
    }
    file = labels.path.name
    return [f"{file}: {len(rows)} {words} (rows {listed(rows)})" for words, rows in counts.items() if rows]
