"""Words that mean the same in a question and at the head of a column, where the question names no column itself."""

from __future__ import annotations

from collections.abc import Collection

from rag.core.terms import find_terms, stem

# Each line: what questions say, what columns are called. A few common ones; a model reads the row for all others.
_PAIRS = """
where kept stored located find : location place address site shelf room position
cost price pay paid charge charged expensive : price cost fee fare charge rate amount
begin start commence launch : start begin from commencement since
end finish expire run : end finish expiry until till to expire
weigh heavy : weight mass
long last take : length duration time term period
tall high : height
wide : width breadth
deep : depth
old : age
fast : speed
far : distance
people guests passengers hold fit seat : seats capacity passengers places
responsible charge look looks : responsible owner manager contact
wrote write written : author writer
teach taught lecture give : teacher lecturer instructor tutor
borrow borrowed : borrower
own belong belongs : owner
supply sell sold : supplier vendor seller
buy bought : buyer customer client
made make build built produce : maker manufacturer builder producer material
call ring reach : phone telephone extension mobile number
mail write : email mail
arrive reach get : arrives arrival
leave go depart set : departs departure leaves
return returned back : due return
born : birth born birthday
die died : death died
earn paid : salary wage pay
work : department employer company job
live : address city town residence
many : quantity number count stock
much : price cost amount quantity
"""


# Each line: kinds of one thing, of which a column is at most one.
_KINDS = """
hourly hour : daily day : weekly week : monthly month : quarterly quarter : yearly annual annually year annum
first : last latest next
minimum min lowest : maximum max highest
net : gross
begin start commence from : end finish expiry expire until
open : close shut
arrive arrival : depart departure leave
import : export
buy buying : sell selling
in inbound : out outbound
before : after
"""


def _read(pairs: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in pairs.strip().splitlines():
        said, meant = ({stem(w) for t in find_terms(part) for w in t.exact} for part in line.split(":"))
        for word in said:
            found.setdefault(word, set()).update(meant - {word})
    return {word: frozenset(meant) for word, meant in found.items()}


_MEANT = _read(_PAIRS)
_KINDS_OF = [
    [frozenset(stem(w) for t in find_terms(kind) for w in t.exact) for kind in line.split(":")]
    for line in _KINDS.strip().splitlines()
]


def is_of_other_kind(question: str, column: str) -> bool:
    """Return whether a column is of another kind than the question asks for: a monthly fee, not the yearly one."""
    asked, named = _stems(question), _stems(column)
    for kinds in _KINDS_OF:
        wanted = [n for n, kind in enumerate(kinds) if asked & kind]
        found = [n for n, kind in enumerate(kinds) if named & kind]
        if wanted and found and not set(wanted) & set(found):
            return True
    return False


def same_kind(word: str, stems: Collection[str]) -> bool:
    """Return whether a word is of the kind that one of the stems is of: "Min." for "minimum"."""
    return any(stem(word) in kind and not kind.isdisjoint(stems) for kinds in _KINDS_OF for kind in kinds)


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for term in find_terms(text) for word in term.exact)


def other_words(question: str, asked: frozenset[str]) -> frozenset[str]:
    """Return stems of what columns may be called that the question asks for in other words.

    asked: stems of the question's words that do not name the row. Function words count wherever they stand.
    """
    cues = asked | {stem(word) for term in find_terms(question) for word in term.exact if word in _FUNCTION_CUES}
    return frozenset[str]().union(*(_MEANT.get(cue, ()) for cue in cues))


_FUNCTION_CUES = frozenset("where long high old many much last".split())
