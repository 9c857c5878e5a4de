"""Numbers of bank accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiops.redaction.found import Found

_LENGTHS = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
    25: "AO CV LY MZ PT ST",
    26: "IS TR",
    27: "BF BI BJ CF CG CI CM DJ FR GA GR IT KM MC MG ML MR SM SN TD TG",
    28: "AL AZ BY CY DO GQ GT GW HN HU LB MA NE NI PL SV",
    29: "BR EG PS QA UA",
    30: "IR JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
LENGTHS = {country: length for length, countries in _LENGTHS.items() for country in countries.split()}
"""Characters of an IBAN by country, as its registry has them and, beyond it, as banks of more countries write them."""

_HEAD = re.compile(r"(?<![0-9])([A-Za-z]{2})[0-9]{2}")
_BETWEEN = "[ .\u00a0\u202f-]{0,2}"
_NUMBERS = {
    length: re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:{_BETWEEN}[A-Za-z0-9]){{{length - 4}}}")
    for length in set(LENGTHS.values())
}


def ibans(text: str) -> Iterator[Found]:
    """`DE89 3704 0044 0532 0130 00`, with or without spaces, whose check digits are right. Kind: `iban`."""
    position = 0
    while head := _HEAD.search(text, position):
        position = head.end()
        length = LENGTHS.get(head[1].upper())
        match = _NUMBERS[length].match(text, head.start()) if length else None
        if match and _is_right(match[0]):
            yield Found(match.start(), match.end(), "iban")
            position = match.end()


def _is_right(number: str) -> bool:
    characters = [character for character in number if character.isalnum()]
    # Letters count as 10 to 35, which is what they are to the base of 36.
    return int("".join(str(int(character, 36)) for character in characters[4:] + characters[:4])) % 97 == 1
