"""What the columns of people's labels are called: by people, and by programs that evaluate, annotate and train.

Among them are SQuAD and the data sets of the Hugging Face hub, RAGAS, promptfoo, LangSmith, Langfuse, TruLens,
DeepEval, Giskard, MLflow, LlamaIndex and Label Studio. Of several columns that could be meant, the one named first here
is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

QUESTION, ANSWER, DOCUMENT, CONTEXT, ID = "question", "answer", "document", "context", "id"
IMPOSSIBLE, POSSIBLE, THUMB, CORRECTION, KIND = "impossible", "possible", "thumb", "correction", "kind"
NAMES = {
    QUESTION: """question questiontext questionstr userquestion questions query querytext userquery userinput prompt
        instruction input inputtext inputs q frage pregunta domanda vraag pergunta""",
    # What a program answered comes last: it counts only where nothing else could be the right answer.
    ANSWER: """groundtruth groundtruths groundtruthanswer groundtruthanswers referenceanswer referenceanswers
        referenceoutput referenceoutputs referenceresponse reference references expectedoutput expectedoutputs
        expectedanswer expectedanswers expectedresponse expectations expected goldanswer goldanswers goldenanswer
        goldenanswers gold golden correctanswer correctanswers rightanswer rightanswers idealanswer ideal trueanswer
        outputanswer outputanswers targetanswer target targets possibleanswers acceptableanswers acceptedanswers
        humananswer assert answers
        answer answertext a antwort reponse respuesta risposta antwoord resposta response output outputs completion""",
    DOCUMENT: """document documentname documentid documenttitle doc docname docid file filename sourcefile
        sourcedocument sourcedoc sourcename source dokument datei quelle fichier""",
    CONTEXT: """referencecontexts referencecontext goldcontexts goldcontext expectedchunks evidence passage goldpassage
        context contexts""",
    ID: "id questionid qid exampleid uid",
    IMPOSSIBLE: "isimpossible impossible unanswerable isunanswerable",
    POSSIBLE: "answerable isanswerable hasanswer",
    THUMB: "thumb",
    CORRECTION: "correction",
    KIND: "kind",
}
ROLES = {name: (role, rank) for role, names in NAMES.items() for rank, name in enumerate(names.split())}
ANSWERED_BY_PROGRAM = frozenset({"response", "output", "outputs", "completion"})


@lru_cache(4096)
def plain_name(name: str) -> str:
    """Return a column's name without case, accents, spaces, punctuation, and what stands in brackets."""
    letters = unicodedata.normalize("NFKD", re.sub(r"[(\[].*?[)\]]", "", name)).casefold()
    return "".join(character for character in letters if character.isalnum())


@lru_cache(4096)
def role_of(name: str) -> tuple[str, int] | None:
    """Return what a column of this name holds and the rank of the name for that, None where it is not known.

    Of a dotted name, as in `inputs.question`, the last part counts where the whole is not known.
    """
    if len(plain_name(name)) == 1 and len(name.strip()) > 1:  # "a?" is a question and no column of answers
        return None
    return ROLES.get(plain_name(name)) or ROLES.get(plain_name(name.rsplit(".", 1)[-1]))


def columns_of(role: str, names: Iterable[str]) -> list[str]:
    """Return the names of this role, the one to read first in front."""
    return list(_columns_of(role, tuple(names)))


@lru_cache(256)
def _columns_of(role: str, names: tuple[str, ...]) -> tuple[str, ...]:
    ranked = [(found[1], name) for name in names if (found := role_of(name)) and found[0] == role]
    return tuple(name for _, name in sorted(ranked, key=lambda pair: pair[0]))


def is_head(names: Sequence[object]) -> bool:
    """Return whether these are names of columns: one of questions among them, and one of answers or verdicts."""
    roles = {found[0] for name in names if isinstance(name, str) and (found := role_of(name))}
    return QUESTION in roles and bool(roles & {ANSWER, THUMB, CORRECTION})
