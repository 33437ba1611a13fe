"""The XML of inutilização, schema inutNFe 4.00: written element by element, in the order of the schema.

The standard library writes it. The answer of a signing hook may have no document type, and so no entities.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from ledger.errors import DeclarationError

NAMESPACE = "http://www.portalfiscal.inf.br/nfe"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
VERSION = "4.00"
ENVIRONMENTS = ("1", "2")
MODELS = ("55", "65")

#: The states by their IBGE numbers.
STATES = frozenset(
    "11 12 13 14 15 16 17 21 22 23 24 25 26 27 28 29 31 32 33 35 41 42 43 50 51 52 53".split()  # noqa: SIM905
)

# Field, its pattern in the schema, and the pattern in words.
_FIELDS = (
    ("year", r"[0-9]{2}", "two digits, such as 26"),
    # With letters since 2026 (NT 2025.001).
    ("cnpj", r"[0-9A-Z]{12}[0-9]{2}", "14 characters without punctuation"),
    ("serie", r"0|[1-9][0-9]{0,2}", "0 to 999, without leading zeros"),
    # Latin-1 without control characters, nor white space at an end.
    ("justification", r"(?=.{15,255}\Z)[!-ÿ][ -ÿ]*[!-ÿ]", "15 to 255 characters of Latin-1"),
)


def cnpj_check(cnpj: str) -> str:
    """The two check digits of a CNPJ, by its first 12 characters: weights 2 to 9 from the right, modulo 11.

    A letter counts as its place in ASCII less 48 (NT 2025.001), which leaves digits as they are.
    """
    found = cnpj[:12]
    for _ in range(2):
        total = sum((ord(character) - 48) * (2 + place % 8) for place, character in enumerate(reversed(found)))
        found += str(0 if total % 11 < 2 else 11 - total % 11)
    return found[12:]


def is_cnpj(text: str) -> bool:
    """Whether a text has the shape of a CNPJ without punctuation, and its check digits."""
    return re.fullmatch(r"[0-9A-Z]{12}[0-9]{2}", text) is not None and cnpj_check(text) == text[12:]


@dataclass(frozen=True, slots=True)
class Request:
    """One range of numbers to void. Raises DeclarationError for what the schema doesn't allow."""

    environment: str
    state: str
    year: str
    cnpj: str
    model: str
    serie: str
    first: int
    last: int
    justification: str

    def __post_init__(self) -> None:
        for name, allowed in (("environment", ENVIRONMENTS), ("state", STATES), ("model", MODELS)):
            if getattr(self, name) not in allowed:
                raise _refusal(name, getattr(self, name), f"one of {', '.join(sorted(allowed))}")
        for name, pattern, told in _FIELDS:
            if re.fullmatch(pattern, getattr(self, name)) is None:
                raise _refusal(name, getattr(self, name), told)
        if not is_cnpj(self.cnpj):
            raise DeclarationError(
                f"The cnpj {self.cnpj!r} can't be one.",
                rule=f"The last two digits of a CNPJ check the others: here they would be {cnpj_check(self.cnpj)}.",
                remedy="Correct --cnpj.",
            )
        if not 1 <= self.first <= self.last <= 999_999_999:
            raise _refusal("range", f"{self.first} to {self.last}", "values of 1 to 999,999,999, the first one lower")

    @property
    def id(self) -> str:
        """The id that the schema makes of the parts; the signature refers to it."""
        return f"ID{self.state}{self.year}{self.cnpj}{self.model}{int(self.serie):03}{self.first:09}{self.last:09}"


def write(request: Request) -> bytes:
    """The unsigned document, UTF-8, without white space between the elements, as the authority asks for."""
    # The namespace is written as an attribute, since the authority refuses ElementTree's own prefixes.
    root = ElementTree.Element("inutNFe", {"versao": VERSION, "xmlns": NAMESPACE})
    information = ElementTree.SubElement(root, "infInut", {"Id": request.id})
    for tag, text in (
        ("tpAmb", request.environment),
        ("xServ", "INUTILIZAR"),
        ("cUF", request.state),
        ("ano", request.year),
        ("CNPJ", request.cnpj),
        ("mod", request.model),
        ("serie", request.serie),
        ("nNFIni", str(request.first)),
        ("nNFFin", str(request.last)),
        ("xJust", request.justification),
    ):
        ElementTree.SubElement(information, tag).text = text
    written: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + written


def checked(signed: object, unsigned: bytes) -> bytes:
    """What a signing hook returned, if it added a signature and changed nothing; else raises DeclarationError."""
    if not isinstance(signed, bytes):
        raise _bad_signature(f"is of type {type(signed).__name__}")
    try:
        root = parse(signed)
    except ElementTree.ParseError as error:
        raise _bad_signature(f"is no XML: {error}") from error
    children = list(root)
    if len(children) != 2 or children[1].tag != SIGNATURE:
        raise _bad_signature("has no ds:Signature right after infInut")
    root.remove(children[1])
    if _facts(root) != _facts(parse(unsigned)):
        raise _bad_signature("is another document than the one to be signed")
    return signed


def parse(content: bytes) -> ElementTree.Element:
    """The root element; a document type is a ParseError, so there is no entity to expand."""
    parser = ElementTree.XMLParser(target=_NoDocumentType())  # noqa: S314  (refuses what makes it dangerous)
    parser.feed(content)
    root: ElementTree.Element = parser.close()
    return root


class _NoDocumentType(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ElementTree.ParseError("it has a document type")


def _facts(element: ElementTree.Element) -> tuple[object, ...]:
    """A document in canonical form, for comparison."""
    return (element.tag, sorted(element.attrib.items()), element.text or "", [_facts(child) for child in element])


def _refusal(name: str, value: str, told: str) -> DeclarationError:
    return DeclarationError(
        f"The {name} {value!r} can't stand in the request.",
        rule=f"By the schema of inutilização it is {told}.",
        remedy=f"Correct --{name}.",
    )


def _bad_signature(why: str) -> DeclarationError:
    return DeclarationError(
        f"What the signing hook returned {why}.",
        rule="The hook gets the XML as bytes, adds ds:Signature after infInut, and returns bytes.",
        remedy="Correct the function that --sign names.",
    )
