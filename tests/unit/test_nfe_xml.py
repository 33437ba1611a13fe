"""The XML of inutilização, held against the schema's order and patterns."""

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from ledger.errors import DeclarationError
from ledger.reports.official import nfe_xml
from ledger.reports.official.gstr1 import gstin_check, is_gstin
from ledger.reports.official.nfe_xml import NAMESPACE, Request, checked, cnpj_check, is_cnpj, parse, write

REQUEST = Request(
    environment="1",
    state="35",
    year="26",
    cnpj="12345678000195",
    model="55",
    serie="1",
    first=120,
    last=125,
    justification="Falha do sistema na emissão",
)

#: Element by element, as the schema has them.
SCHEMA = (
    ("tpAmb", "1|2"),
    ("xServ", "INUTILIZAR"),
    ("cUF", "[1-5][0-9]"),
    ("ano", "[0-9]{2}"),
    ("CNPJ", "[0-9A-Z]{12}[0-9]{2}"),
    ("mod", "55|65"),
    ("serie", "0|[1-9][0-9]{0,2}"),
    ("nNFIni", "[1-9][0-9]{0,8}"),
    ("nNFFin", "[1-9][0-9]{0,8}"),
    ("xJust", ".{15,255}"),
)
SIGNED = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature></inutNFe>'


def holds(content: bytes) -> None:
    """The document keeps the schema."""
    root = parse(content)
    assert (root.tag, root.attrib) == (f"{{{NAMESPACE}}}inutNFe", {"versao": "4.00"})
    information = root[0]
    assert information.tag == f"{{{NAMESPACE}}}infInut"
    fields = {child.tag.removeprefix(f"{{{NAMESPACE}}}"): child.text or "" for child in information}
    assert [child.tag for child in information] == [f"{{{NAMESPACE}}}{tag}" for tag, _ in SCHEMA]
    for tag, pattern in SCHEMA:
        assert re.fullmatch(pattern, fields[tag]), (tag, fields[tag])
    assert information.attrib == {
        "Id": "ID"
        + fields["cUF"]
        + fields["ano"]
        + fields["CNPJ"]
        + fields["mod"]
        + fields["serie"].rjust(3, "0")
        + fields["nNFIni"].rjust(9, "0")
        + fields["nNFFin"].rjust(9, "0")
    }
    assert re.fullmatch("ID[0-9]{4}[0-9A-Z]{12}[0-9]{25}", information.attrib["Id"])


def test_the_document_as_it_is() -> None:
    content = write(REQUEST)
    holds(content)
    assert content.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<inutNFe versao="4.00" xmlns="http://www.portalfiscal.inf.br/nfe">'
        '<infInut Id="ID35261234567800019555001000000120000000125"><tpAmb>1</tpAmb><xServ>INUTILIZAR</xServ>'
        "<cUF>35</cUF><ano>26</ano><CNPJ>12345678000195</CNPJ><mod>55</mod><serie>1</serie><nNFIni>120</nNFIni><nNFFin>125</nNFFin>"
        "<xJust>Falha do sistema na emissão</xJust></infInut></inutNFe>"
    )


latin = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"])


@given(
    serie=st.integers(0, 999),
    first=st.integers(1, 999_999_999),
    more=st.integers(0, 9_999),
    text=st.text(latin, min_size=15, max_size=255).filter(lambda text: text[0] > " " and text[-1] > " "),
    cnpj=st.from_regex(r"\A[0-9A-Z]{12}\Z").map(lambda root: root + cnpj_check(root)),
)
def test_whatever_is_accepted_keeps_the_schema(serie: int, first: int, more: int, text: str, cnpj: str) -> None:
    last = min(first + more, 999_999_999)
    content = write(replace(REQUEST, serie=str(serie), first=first, last=last, justification=text, cnpj=cnpj))
    holds(content)
    assert parse(content)[0][-1].text == text, "nothing of it was read as markup"


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "3"},
        {"state": "99"},
        {"year": "2026"},
        {"cnpj": "12.345.678/0001-95"},
        {"cnpj": "12345678000196"},
        {"cnpj": "１２３４５６７８０００１９５"},
        {"model": "57"},
        {"serie": "1000"},
        {"serie": "01"},
        {"first": 0},
        {"first": 126},
        {"last": 1_000_000_000},
        {"justification": "x" * 14},
        {"justification": "x" * 256},
        {"justification": " " + "x" * 20},
        {"justification": "x" * 20 + "\n"},
        {"justification": "x" * 20 + "\x00"},
        {"justification": "日本語" * 8},
    ],
)
def test_what_the_schema_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(
        DeclarationError, match=next(iter(change)) if "first" not in change and "last" not in change else "range"
    ):
        replace(REQUEST, **change)


@pytest.mark.parametrize("length", [15, 255])
def test_a_justification_of_15_to_255_characters(length: int) -> None:
    holds(write(replace(REQUEST, justification="x" * length)))


class TestSigning:
    UNSIGNED = write(REQUEST)

    def test_a_signature_after_it_is_accepted_as_it_is(self) -> None:
        signed = self.UNSIGNED.replace(b"</inutNFe>", SIGNED)
        assert checked(signed, self.UNSIGNED) == signed
        # Written otherwise, it says the same.
        other = signed.replace(b'<?xml version="1.0" encoding="UTF-8"?>', b"")
        assert checked(other, self.UNSIGNED) == other

    @pytest.mark.parametrize(
        ("signed", "told"),
        [
            (write(REQUEST), "no ds:Signature"),
            (write(replace(REQUEST, last=126)).replace(b"</inutNFe>", SIGNED), "another document"),
            (b"no xml", "no XML"),
            ("text", "type str"),
            (
                write(REQUEST)
                .replace(b"</inutNFe>", SIGNED)
                .replace(b'UTF-8"?>', b"UTF-8\"?><!DOCTYPE inutNFe [<!ENTITY a 'b'>]>")
                .replace(b"Falha", b"&a;"),
                "document type",
            ),
        ],
    )
    def test_anything_else_is_refused(self, signed: object, told: str) -> None:
        with pytest.raises(DeclarationError, match=told):
            checked(signed, self.UNSIGNED)

    def test_no_entity_is_read(self) -> None:
        with pytest.raises(ElementTree.ParseError, match="document type"):
            parse(b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>')
        assert nfe_xml.parse(b"<a>&amp;</a>").text == "&"


@pytest.mark.parametrize(
    ("root", "digits"),
    [
        # Banco do Brasil; the example of NT 2025.001 with letters; the usual sample.
        ("000000000001", "91"),
        ("12ABC34501DE", "35"),
        ("123456780001", "95"),
    ],
)
def test_check_digits_of_a_cnpj(root: str, digits: str) -> None:
    assert cnpj_check(root) == digits
    assert is_cnpj(root + digits)
    assert not is_cnpj(root + f"{(int(digits) + 1) % 100:02}")


def test_the_check_character_of_a_gstin() -> None:
    assert gstin_check("27AAPFU0939F1Z") == "V"
    assert is_gstin("27AAPFU0939F1ZV")


@given(st.from_regex(r"\A[0-9]{2}[0-9A-Z]{12}\Z"), st.integers(0, 13), st.integers(1, 35))
def test_a_changed_character_of_a_gstin_is_found(root: str, at: int, by: int) -> None:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    changed = root[:at] + letters[(letters.index(root[at]) + by) % 36] + root[at + 1 :]
    assert gstin_check(changed) != gstin_check(root)
