"""Which texts may be a key: what Python's own tables say of each character, and words for what is refused."""

import unicodedata

import pytest
from hypothesis import given, strategies as st

from ledger.errors import InvalidActor, InvalidDocument, InvalidSeries, InvalidTenant
from ledger.keys import actor_name, check_text, document_key, tenant_key
from ledger.series import check_code
from ledger.texts import HIDDEN, KEY_LENGTH, flaw, is_key_sql

EVERY_CHARACTER = [chr(point) for point in range(0x110000)]


def hidden() -> set[str]:
    return {chr(point) for first, last in HIDDEN for point in range(first, last + 1)}


def test_a_key_has_no_invisible_characters() -> None:
    unseen = {c for c in EVERY_CHARACTER if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}}
    white = {c for c in EVERY_CHARACTER if c.isspace()}
    assert {c for c in (unseen | white) - {" "} if flaw(f"a{c}b") is None} == set()


def test_other_invisible_characters_are_listed_here() -> None:
    """Letters and marks that are drawn as nothing. A character too many would be refused to somebody who needs it."""
    others = {c for c in hidden() if unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp", "Zs", "Cn"}}
    fillers = {"\u115f", "\u1160", "\u3164", "\uffa0"}
    joiners = {"\u034f", "\u17b4", "\u17b5"}
    selectors = {c for c in EVERY_CHARACTER if "VARIATION SELECTOR" in unicodedata.name(c, "")}
    assert others == fillers | joiners | selectors | {"\u2800", "\ufffc", "\U0001d159"}


@pytest.mark.parametrize(
    "text",
    [
        "order:17",
        "shop.order:17,EUR",
        "Müller & Söhne",
        "a  b",
        "№ 7",
        "株式会社",
        "הזמנה",
        "x" * KEY_LENGTH,
        "é" * KEY_LENGTH,
        "q\u0302",
    ],
)
def test_a_key(text: str) -> None:
    assert flaw(text) is None
    assert tenant_key(text) == document_key(text) == actor_name(text) == text
    check_code(text)


REFUSED = [
    ("a\u00a0b", r"holds U\+00A0 \(NO-BREAK SPACE\) at position 2\.", r"ordinary space \(U\+0020\) in its place"),
    ("a\tb", r"holds U\+0009 at position 2\.", "ordinary space"),
    ("\u3000a", r"holds U\+3000 \(IDEOGRAPHIC SPACE\) at position 1\.", "ordinary space"),
    ("a\u200b", r"holds U\+200B \(ZERO WIDTH SPACE\) at position 2, which nobody can see\.", "Leave it out"),
    ("a\u200db", r"U\+200D \(ZERO WIDTH JOINER\)", "Leave it out"),
    ("a\0", r"holds U\+0000 at position 2", "Leave it out"),
    ("a\ud800", r"holds U\+D800 at position 2", "Leave it out"),
    ("a\ufe0f", r"U\+FE0F \(VARIATION SELECTOR-16\)", "Leave it out"),
    ("order:17 ", r"ends with a space \(U\+0020\)", r"text\.strip\(\)"),
    (" order:17", r"begins with a space \(U\+0020\)", r"text\.strip\(\)"),
    (
        "Cafe\u0301",
        r"has U\+0065 U\+0301 at position 4, where Unicode's normal form NFC has U\+00E9",
        r"unicodedata\.normalize\('NFC', text\)",
    ),
    ("5 \u212b", r"has U\+212B at position 3, where Unicode's normal form NFC has U\+00C5", "normalize"),
    ("\u1100\u1161", r"has U\+1100 at position 1, .* has U\+AC00", "normalize"),
    ("x" * (KEY_LENGTH + 1), "has 201 characters, and 200 are allowed", "shorter"),
]


@pytest.mark.parametrize(("text", "problem", "remedy"), REFUSED)
def test_a_refusal_names_the_character_and_the_way_out(text: str, problem: str, remedy: str) -> None:
    for error, make in (
        (InvalidTenant, tenant_key),
        (InvalidDocument, document_key),
        (InvalidActor, actor_name),
        (InvalidSeries, check_code),
    ):
        with pytest.raises(error, match=rf"(?s){problem}.*normal form NFC.*{remedy}") as refusal:
            make(text)
        assert str(refusal.value).isprintable(), "what can't be seen would spoil the message too"
        assert str(refusal.value).isascii() or "…" in str(refusal.value)


def test_an_empty_text() -> None:
    assert tenant_key("") == actor_name("") == tenant_key(None) == ""
    for error, make in ((InvalidDocument, document_key), (InvalidSeries, check_code)):
        with pytest.raises(error, match="'' is empty"):
            make("")


def test_the_text_of_a_choice_is_its_value() -> None:
    from tests.shop.keyed import ByCode

    made = document_key(ByCode.Code.RED)
    assert (made, type(made)) == ("red", str)


def test_a_limit_of_its_own() -> None:
    assert check_text("x" * 60, InvalidSeries, "It ", longest=60)
    with pytest.raises(InvalidSeries, match="It 'x+'… has 61 characters, and 60 are allowed"):
        check_text("x" * 61, InvalidSeries, "It ", longest=60)


@given(st.text())
def test_following_the_remedies_leads_to_a_key(text: str) -> None:
    """Whatever breaks the rule, following the remedies leads to a key, or to nothing."""
    for _ in range(len(text) + 5):
        if not text or (found := flaw(text)) is None:
            break
        if "normal form" in found.problem:
            text = unicodedata.normalize("NFC", text)
        elif "with a space" in found.problem:
            text = text.strip()
        elif "allowed" in found.problem:
            text = text[:KEY_LENGTH]
        else:
            at = int(found.problem.partition("position ")[2].partition(",")[0]) - 1
            text = text[:at] + text[at + 1 :]
    assert not text or flaw(text) is None


def test_the_expression_of_the_database_is_ascii() -> None:
    """It stands in a file, in migrations and in dumps; a hidden character there would be hidden indeed."""
    assert is_key_sql("p_text").replace("\n", "").isprintable()
    assert is_key_sql("p_text").isascii()
