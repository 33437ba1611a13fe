"""Which texts may be a key: one rule for tenants, documents, series codes, numbers, actors and references.

A key goes to other systems unchanged, and two keys that differ in any way are two tenants, two series, two documents.
So texts that only look the same are refused; nothing is changed silently. A text can be a key if

1. it has 1 to 200 characters;
2. its only white space is the ordinary space (U+0020), and neither its first nor its last character is one;
3. it has no hidden character: none of those in ``HIDDEN``;
4. it is in Unicode's normal form NFC.

Everything else may be a key: capitals and small letters differ, and so do two spaces and one, or a Latin and a
Cyrillic "a".

PostgreSQL has the same rule: ``ledger_is_key`` (``sql/functions/ledger_is_key.sql``), whose text is ``is_key_sql``.
Both sides name the characters by number, so the rule doesn't depend on a version of Unicode. Only rule 4 does: a
combination of characters that one side doesn't know yet counts as NFC there.
"""

import re
import unicodedata
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from ledger.intervals import merged

#: The longest key, in characters.
KEY_LENGTH = 200

#: The rule in one sentence, for errors.
KEY_RULE = (
    f"A key has 1 to {KEY_LENGTH} characters in Unicode's normal form NFC: no hidden characters, and no white space "
    "but ordinary spaces (U+0020) between others."
)


def _ranges(codes: str) -> tuple[tuple[int, int], ...]:
    """Ranges of code points, both ends inclusive, in hexadecimal."""
    ends = [code.partition("-")[::2] for code in codes.split()]
    return tuple((int(first, 16), int(last or first, 16)) for first, last in ends)


# White space except the ordinary space: Unicode's property White_Space.
_BLANKS = _ranges("0009-000D 0085 00A0 1680 2000-200A 2028-2029 202F 205F 3000")

# Characters without a shape of their own: Unicode's categories Cc (controls) and Cf (format characters), its property
# Default_Ignorable_Code_Point, three more that are drawn as nothing (U+2800, U+FFFC, U+1D159), and the two that no XML
# can hold (U+FFFE, U+FFFF).
_SHAPELESS = _ranges(
    "0001-0008 000E-001F 007F-0084 0086-009F 00AD 034F 0600-0605 061C 06DD 070F 0890-0891 08E2 115F-1160 "
    "17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 2800 3164 FE00-FE0F FEFF FFA0 FFF0-FFFC FFFE-FFFF 110BD "
    "110CD 13430-1343F 1BCA0-1BCA3 1D159 1D173-1D17A E0000-E0FFF"
)


#: Every character that no key may hold, as ranges of code points, both ends inclusive.
HIDDEN = tuple(merged(_BLANKS + _SHAPELESS))

# Nor these, which PostgreSQL can't hold at all: NUL, and halves of surrogate pairs.
_UNSTORABLE = ((0x0000, 0x0000), (0xD800, 0xDFFF))


def _members(ranges: tuple[tuple[int, int], ...]) -> list[str]:
    """The members of a character class, in ASCII, as both Python and PostgreSQL read them."""
    return [_escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}" for first, last in ranges]


def _escaped(point: int) -> str:
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


_HIDDEN = re.compile(f"[{''.join(_members(HIDDEN + _UNSTORABLE))}]")
_WHITE = re.compile(f"[{''.join(_members(_BLANKS))}]")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a text can't be a key. ``problem`` follows its name ("… holds U+00A0"), ``remedy`` is a sentence."""

    problem: str
    remedy: str


def flaw(text: str, *, longest: int = KEY_LENGTH) -> Flaw | None:
    """The first reason why ``text`` can't be a key of at most ``longest`` characters; None if it can."""
    # Nearly every text is printable ASCII, which Python checks quickly.
    if text.isascii() and text.isprintable() and 0 < len(text) <= longest and text[0] != " " != text[-1]:
        return None
    if not text:
        return Flaw("is empty", "Pass a short stable text, such as 'order:17'.")
    if found := _HIDDEN.search(text):
        where = f"holds {_named(found[0])} at position {found.start() + 1}"
        if _WHITE.match(found[0]):
            return Flaw(where, "Put an ordinary space (U+0020) in its place, or leave it out.")
        return Flaw(f"{where}, which nobody can see", "Leave it out.")
    if text[0] == " " or text[-1] == " ":
        return Flaw(f"{'begins' if text[0] == ' ' else 'ends'} with a space (U+0020)", "Take it off: text.strip().")
    if not unicodedata.is_normalized("NFC", text):
        return Flaw(_unlike_nfc(text), "Normalise it where it comes from: unicodedata.normalize('NFC', text).")
    if len(text) > longest:
        return Flaw(
            f"has {len(text)} characters, and {longest} are allowed", "Pass a shorter text that stays the same."
        )
    return None


def is_key_sql(text: str) -> str:
    """The rule as an SQL expression about ``text``, itself an expression such as the name of a column.

    Printable ASCII comes first: that is nearly every key, and takes one pass.
    """
    plain = f'{text} COLLATE pg_catalog."C"'
    # Pieces of one literal: SQL joins them if a line break separates them.
    hidden = "'\n                '".join(wrap(" ".join(_members(HIDDEN)), 90)).replace(" \\", "\\")
    return f"""pg_catalog.length({text}) OPERATOR(pg_catalog.<=) {KEY_LENGTH}
    AND (
        {plain} OPERATOR(pg_catalog.~) '^[!-~](?:[ -~]*[!-~])?$'
        OR (
            {plain} OPERATOR(pg_catalog.~) '^[^ ](?:.*[^ ])?$'
            AND {plain} OPERATOR(pg_catalog.!~) (
                '[{hidden}]'
            )
            AND {text} IS NFC NORMALIZED
        )
    )"""


def printable(text: str) -> bool:
    """Whether ``text`` has none of the control, formatting and separator characters that are invisible in a table."""
    # Nearly every text is plain, which Python checks quickly; the loop also allows white space other than ' '.
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return text.isprintable() or all(unicodedata.category(character) not in hidden for character in text)


def visible(text: str) -> str:
    """``text`` with escapes for invisible characters and lookalikes of space and hyphen; quoted if it has any."""
    told = "".join(
        character
        if character in " -" or (character.isprintable() and unicodedata.category(character) not in {"Pd", "Zs", "Cf"})
        else f"\\u{ord(character):04x}"
        for character in text
    )
    return told if told == text == text.strip() else f"“{told}”"


def shown(value: Any, longest: int = 200) -> str:
    """The beginning of any value's ``repr``, for errors.

    Some values have none: nested too deep for Python, or an integer with more digits than it writes.
    """
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return "…"
    return text if len(text) <= longest else f"{text[:longest]}…"


def _named(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}{f' ({name})' if name else ''}"


def _unlike_nfc(text: str) -> str:
    """Where the text first differs from its normal form, by code points, since both look the same."""
    normal = unicodedata.normalize("NFC", text)
    at = next((at for at, (one, other) in enumerate(zip(text, normal, strict=False)) if one != other), len(normal))
    written = text[at : at + 2] if unicodedata.combining(text[at + 1 : at + 2] or " ") else text[at]
    points = [" ".join(f"U+{ord(each):04X}" for each in part) for part in (written, normal[at : at + 1])]
    return f"has {points[0]} at position {at + 1}, where Unicode's normal form NFC has {points[1] or 'nothing'}"


def can_be_held(text: str) -> bool:
    """Whether PostgreSQL can store the text: without NUL, and without halves of surrogate pairs."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
