"""Real numbers that each rule set must accept or refuse, by length and characters, each with where it was found.

Facts, not texts: the *Online Retail* data set (Daqing Chen, UCI Machine Learning Repository, CC BY 4.0), and single
numbers that authorities print in their samples, looked up where others quote them. What is refused is a real number of
another country, or one with a single flaw that the rule's own text names.
"""

from __future__ import annotations

import pytest

from ledger.rules import all_rules, combined_rules

RETAIL = "Online Retail data set, CC BY 4.0"
VERIFACTU = "AEAT, the example of the hash in the VeriFactu documents"
CHORUS = "Chorus Pro, an example of its API"
SAFT = "SAF-T (PT), the form that its schema describes"
INDIA = "NIC, the sample of its e-invoice API"
DIAN = "DIAN, the range of its test environment (habilitación)"
GIB = "GIB, the example in its guide to UBL-TR invoices"
DGII = "DGII, its help forum on 9 May 2019"
AGAINST = "the rule's own text"

# Rules, number, whether they accept it, where it was found.
NUMBERS = [
    ("DE", "536365", True, RETAIL),
    ("EU", "C536379", True, RETAIL),
    ("UK", "A563185", True, RETAIL),
    ("UK", "536365", True, RETAIL),
    ("AT", "536365", True, RETAIL),
    ("PL", "12345678/G33", True, VERIFACTU),
    ("FR-einvoice", "20240000000000000110", True, CHORUS),
    ("FR-einvoice", "C536379", True, RETAIL),
    ("FR-einvoice", "FT A2026/123", False, SAFT),
    ("FR-einvoice", "FACT.2026.1", False, AGAINST),
    ("FR-einvoice", "F" * 36, False, AGAINST),
    ("FR-einvoice", "F" * 35, True, AGAINST),
    ("FR", "20240000000000000110", True, CHORUS),
    ("FR", "FT A2026/123", False, SAFT),
    ("DE,FR-einvoice", "12345678/G33", True, VERIFACTU),
    ("DE,FR-einvoice", "FT A2026/123", False, SAFT),
    ("ES", "12345678/G33", True, VERIFACTU),
    ("ES", "FT A2026/123", True, SAFT),
    ("ES", "A<1", False, AGAINST),
    ("ES", "A'1", False, AGAINST),
    ("ES", "A=1", False, AGAINST),
    ("ES", 'A"1', False, AGAINST),
    ("ES", "N\u00ba 1", False, AGAINST),
    ("IT", "536365", True, RETAIL),
    ("IT", "12345678/G33", True, VERIFACTU),
    ("IT", "FT A2026/123", True, SAFT),
    ("IT", "20240000000000000110", True, CHORUS),
    ("IT", "N\u00ba 1", False, AGAINST),
    ("IT", "FATTURA", False, AGAINST),
    ("IT", "1" * 21, False, AGAINST),
    ("PT", "FT A2026/123", True, SAFT),
    ("PT", "12345678/G33", False, VERIFACTU),
    ("PT", "536365", False, RETAIL),
    ("IN", "DOC/001", True, INDIA),
    ("IN", "001/2026", True, AGAINST),
    ("IN", "20240000000000000110", False, CHORUS),
    ("IN", "A_1", False, AGAINST),
    ("IN", "N\u00b01", False, AGAINST),
    ("IN-quarterly", "DOC/001", True, INDIA),
    ("IN-quarterly", "A_1", False, AGAINST),
    ("IN,IN-einvoice", "DOC/001", True, INDIA),
    ("IN,IN-einvoice", "001/2026", False, AGAINST),
    ("IN-einvoice", "/001", False, AGAINST),
    ("MX", "FT A2026/123", True, SAFT),
    ("MX", "A|1", False, AGAINST),
    ("MX", "1" * 66, False, AGAINST),
    ("TR", "GIB2009000000001", True, GIB),
    ("TR", "GIB1909000000001", False, AGAINST),
    ("TR", "C536379", False, RETAIL),
    ("CO", "SETP990000001", True, DIAN),
    ("CO", "GIB2009000000001", True, GIB),
    ("CO", "FT A2026/123", False, SAFT),
    ("DO", "E310000000005", True, DGII),
    ("DO", "SETP990000001", False, DIAN),
    ("CL", "536365", True, RETAIL),
    ("CL", "C536379", False, RETAIL),
    ("UY", "A1234567", True, AGAINST),
    ("UY", "SETP990000001", False, DIAN),
    *((code, "536365", True, RETAIL) for code in ("AU", "BR", "CH", "HU", "NO", "PH", "PL-KSeF", "RO", "SA")),
]


@pytest.mark.parametrize(("codes", "number", "accepted", "source"), NUMBERS)
def test_a_real_number(codes: str, number: str, accepted: bool, source: str) -> None:
    assert source
    rules = combined_rules(codes)
    fits = all(
        (one.length is None or len(number) <= one.length.maximum)
        and (one.characters is None or one.characters.fit(number))
        for one in rules
    )
    assert fits is accepted


def test_no_rule_set_is_left_out() -> None:
    """And what asks for characters or a length refuses something."""
    tried = {(rules.code, accepted) for codes, _, accepted, _ in NUMBERS for rules in combined_rules(codes)}
    for rules in all_rules().values():
        assert (rules.code, True) in tried
        assert (rules.code, False) in tried or (rules.characters is None and rules.length is None)
