"""The sentence that a person says of numbers."""

from ledger.words import numbers_told


def test_the_sentence() -> None:
    told = numbers_told(valid=93, void=2, missing=18, to_explain=18)
    assert told == "113 numbers: 93 valid, 2 void, 18 missing (18 to explain)."
    assert numbers_told(valid=1, void=0, missing=0) == "1 number: 1 valid, 0 void, 0 missing."
    many = numbers_told(valid=12_000, void=0, missing=2, in_progress=3)
    assert many == "12,005 numbers: 12,000 valid, 0 void, 2 missing, 3 in progress."
    assert numbers_told(valid=0, void=0, missing=0) == "No numbers yet."
