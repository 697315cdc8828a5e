"""Questions of when and how much in other languages, and what their answers contain; the readers know English alone."""

from __future__ import annotations

# German, French, Spanish, Italian, Portuguese and Dutch.
_MONTHS = (
    r"(?:janu|febr|feb|jän|jan|fév|ene|gen|mär|marz|mars|març|mrt|maart|april|abril|avri|apri|apr|mai|mayo|maio|mei|mag|juin"
    r"|jun|giu|juil|jul|lug|août|agos|aug|sept|set|okto|okt|octo|outu|ott|novem|nov|dez|déc|dic|dec)[\w.]*"
)
_DAYS = (
    r"montags?|dienstags?|mittwochs?|donnerstags?|freitags?|samstags?|sonntags?|werktags?|täglich"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábados?|domingos?"
    r"|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|segunda|terça|quarta|quinta|sexta"
    r"|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag"
)
_PERIODS = (
    r"stunden?|tage?n?|wochen?|monate?n?|jahre?n?|heures?|jours?|semaines?|mois|ans?|années?|horas?|días?|semanas?"
    r"|mes(?:es)?|años?|ore|giorn[oi]|settiman[ae]|mes[ei]|ann[oi]|dias?|anos?|uur|dagen|weken|maanden?|jaar"
)
_NUMBERS = (
    r"\d|\b(?:ein|eine[nmrs]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|zwanzig|dreißig|hundert|tausend"
    r"|un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|quinze|vingt|trente|cent|mille"
    r"|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|quince|veinte|treinta|cien|mil"
    r"|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|dodici|venti|trenta|cento"
    r"|dois|duas|três|quatro|sete|oito|dez|doze|vinte|trinta|cem|een|twee|drie|vijf|zes|zeven|negen|tien|twaalf)\b"
    r"|[一二三四五六七八九十百千万两半]"
)
_MOMENTS = (
    rf"\b\d{{1,2}}(?:\.|er)? ?(?:de |di )?{_MONTHS}\b|\b{_MONTHS} \d{{4}}|\b(?:{_DAYS})\b|\b(?:1\d|20)\d\d\b"
    rf"|\b\d{{1,2}}[:.]\d\d\b|\b\d{{1,2}} ?(?:uhr|h|uur)\b|\b(?:en|au|im|in|em) (?:{_MONTHS})\b|\b(?:{_PERIODS})\b"
    r"|[\d一二三四五六七八九十两半]+(?:点|时|時|年|月|日|号)"
)
# Question pattern, answer pattern.
FOREIGN_RULES = (
    (
        r"\b(?:wann|quand|cu[áa]ndo|quando|wanneer)\b|\b(?:quelle|che|qu[eé]) (?:heure|date|hora|ora)\b"
        r"|几点|什么时候|何时|いつ|何時",
        _MOMENTS,
    ),
    (
        r"\bwie ?(?:viele?|hoch|lange?|weit|groß|alt|teuer|oft|schwer|tief|breit)\b|\bcombien\b|\bcu[áa]nt[oa]s?\b"
        r"|\bquant(?:o|i|e|os|as)\b|\bhoe ?(?:veel|lang|hoog|oud)\b|多少|多长|多久|几(?!点)|いくら|何人|何日",
        _NUMBERS,
    ),
)
