"""What the text around an answer span says about it, as patterns for `finetune.mining.cloze`.

Names that end in BEFORE match the end of what stands before the span, those in AFTER the start of what follows it.
"""

from __future__ import annotations

import re

from finetune.mining.answer_spans import FUNCTION_WORDS, MONTHS

# Where a clause that stands by itself begins: "Load checked; <the crane lifts 40 tonnes>".
CLAUSE_START = re.compile(r"[;:•]\s|\s[–—]\s|(?<=[.!?])\s")
# Where it ends: "lifts 40 tonnes<, which> is enough", "lifts 40 tonnes< (>in calm weather)".
CLAUSE_END = re.compile(
    r"[.;:!?](?=\s|$)|\s[–—]\s|\)|\s\(|,\s(?:and|but|so|which|who|where|because|although|though|since|while)\s"
)
# The sign of a list item, a paragraph's number, a heading in capitals: "4.2 ", "- ", "LOAD LIMITS ".
LIST_LABEL = re.compile(r"^\W*(?:\d+(?:\.\d+)+\s+|\d+[.)]\s+)?(?:(?:[A-Z]{2,}\s+){2,})?")
# A conjunction at the start: "But ", "However, ", "For example, ".
CONJUNCTION_START = re.compile(
    r"^(?:But|And|So|Yet|Or|However|Moreover|Therefore|Thus|Also|For example|In addition)\b,? (?=\S)"
)
# A word that refers to something named before: "it", "these", "All of them".
REFERRING = re.compile(
    r"\b(?:it|its|he|his|him|she|her|they|their|them|this|these|those|there)\b"
    r"|^(?:that|one|both|all|each|such|we|our)\b",
    re.I,
)
# A start that refers to the sentence before, which no heading makes up for: "Otherwise", "After that".
REFERRING_START = re.compile(
    r"\W*(?:these|those|such|otherwise|instead|then|if so|"
    r"(?:beyond|after|before|in|at|with|without|for|by|from|since|until) (?:that|this|these|those))\b",
    re.I,
)
# A participle without a subject: "Posted by": what was?
PARTICIPLE_START = re.compile(r"^(?:Last |First )?[A-Z][a-z]+(?:ed|pt|id) (?:by|at|aboard|before|\d)")
# Words of a clause of its own, which no phrase at the end of a sentence has.
CLAUSE_WORD = re.compile(r"\b(?:is|was|are|were|has|have|had|will|may|can|must|it|they|them|we|you|us)\b")

NOT_A_NOUN = (
    rf"(?:{FUNCTION_WORDS}|in|to|of|by|on|at|as|or|an|if|is|be|it|which|where|while|about|between|during|within|against"
    r"|being|been|have|did|does)\b"
)
NOT_A_NAME = r"(?:because|although|though|unless|like|despite|under|following|both|only|even)\b"
# The first part of a longer name: "met <Nan >Stobbs", "Stoke-<on >Trent".
NAME_BEFORE = re.compile(r"\S\s+[A-Z][\w’'.-]* $|\w-[A-Z]\w* $")
# The same as the clause's first and only word: "<Captain >Arlen", not "<Because >Arlen".
NAME_ONLY_BEFORE = re.compile(rf"(?!(?i:{NOT_A_NOUN}|{NOT_A_NAME}))[A-Z][\w’'-]+ ")
# The rest of a longer name: "Nan< Stobbs>", "Juan< de la Cosa>", "Pier< 4>".
NAME_AFTER = re.compile(r" (?:(?:de|di|da|du|del|della|la|le|von|van|der|ibn|bin|v)['’]? )?(?:[A-Z]|\d)")
# A noun that a name qualifies: "Lisburne< nobles>".
NOUN_AFTER = re.compile(rf" (?!{NOT_A_NOUN}|\w+ed\b)[a-z]{{3,}}")
# Before a name with such a noun: "<the old >Lisburne nobles", "<in >Welsh schools".
ARTICLE_BEFORE = re.compile(r"\b(?:an?|the|its|their|his|her|our) (?:[a-z-]+ ){1,2}$")
PREPOSITION_BEFORE = re.compile(r"\b(?:in|to|of|by|on|at|as|for|from|with|into|near|across|than|like) $")
# Before a name of a place: "<entered >Storrholm".
PLACE_BEFORE = re.compile(
    r"\b(?:at|near|outside|inside|towards?|across|into|around"
    r"|visit(?:ed)?|fled|left|reached|entered|invaded|conquered|occupied) $"
)
# Before a name of anything but a person: "<from >Storrholm", "<several >Halyards".
THING_BEFORE = re.compile(
    r"\b(?:an?|in|from|of|through|throughout|within|on"
    r"|many|several|multiple|few|some|all|most|no|other|various|both) $",
    re.I,
)
# A title or an article that belongs to the span: "<the >Mole Light", "<Captain >Arlen"; "<Tuesday >3 March".
TITLE_BEFORE = re.compile(r"\S$|\b(?:the|Mr|Mrs|Ms|Miss|Dr|Dame|Captain|[A-Z][a-z]+day) $")
POSSESSIVE_AFTER = re.compile(r"['’]s\b")
POSSESSIVE_BEFORE = re.compile(r"\b(?:its|his|her|their|our|your|whose) $")
# Before the last words of a clause whose verb stands elsewhere: "..., and <the blue drawer>", "in May and <June>".
NO_VERB_BEFORE = re.compile(rf", (?:(?:and|or|but) )?$|(?<!\d )(?:{MONTHS}) (?:and|or|to) $")
# The first part of a larger number: "two <hundred and >five tonnes".
LARGE_NUMBER_BEFORE = re.compile(r"\b(?:hundred|thousand)(?: and)? $")
# A month, or a day of the week as group 1: "March", "Tuesdays".
MONTH_OR_DAY = re.compile(rf"(?:(?:{MONTHS})|((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day))s?$")
# A column's name and its value in a row of a table: "Ticket: Motorcycle; Single: £9.90".
TABLE_CELL = re.compile(r"([^;:|]{2,30}): ([^;|]+)")
COLUMN_BEFORE = re.compile(r"(?:^|; )[^;:]{2,30}: $")
# The number before a unit: "£1,250 ", "12 ", "four ".
NUMBER = re.compile(r"^[£$€]?[\d.,]+\s*|^\w+\s+")
# Marks of Markdown, links without text, and all but one of several spaces.
MARKUP = re.compile(r"[*_`#]+|\[[a-z ]+\]|\s+(?=\s)")
