"""JSON: one document, written piece by piece, and its JSON Schema, made from the same columns."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from itertools import islice
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder

from ledger.judging import State
from ledger.localization import in_english
from ledger.reports import rows
from ledger.reports.formats import Format, Warn
from ledger.reports.register import RegisterRow
from ledger.reports.report import SCHEMA, Header, Position, Report
from ledger.reports.rows import Column, Kind, columns_of

_TYPES: dict[Kind, dict[str, Any]] = {
    **{kind: {"type": ["string", "null"]} for kind in (Kind.TEXT, Kind.WORD, Kind.PERIOD)},
    **{kind: {"type": ["integer", "null"]} for kind in (Kind.WHOLE, Kind.VALUE)},
    Kind.DAY: {"type": ["string", "null"], "format": "date"},
    Kind.MOMENT: {"type": ["string", "null"], "format": "date-time"},
    Kind.VERDICT: {"type": "boolean"},
    Kind.EVIDENCE: {"type": "object"},
}

#: The parts of this version, and the columns that may be absent.
_PARTS: dict[str, type[Any]] = {
    "summary": rows.PeriodRow,
    "voids": rows.VoidRow,
    "gaps": rows.DeclaredGapRow,
    "declarations": rows.DeclarationRow,
    "in_progress": rows.InProgressRow,
    "out_of_order": rows.OutOfOrderRow,
    "duplicates": rows.DuplicateRow,
    "dating": rows.DatingRow,
    "acknowledged": rows.AcknowledgedRow,
    "findings": rows.FindingRow,
    "authorisations": rows.AuthorisationRow,
    "registered": rows.RegisteredRow,
    "confirmed": rows.ConfirmedRow,
    "series": rows.SeriesRow,
    "settings": rows.ChangeRow,
    "register": RegisterRow,
}
_OPTIONAL = {"declaration_due"}
#: Parts that are left out when empty, and parts that are written only when chosen.
_OPTIONAL_PARTS = {"acknowledged", "findings", "confirmed", "registered", "register"}
_OPTIONAL_PARTS |= {"authorisations", "declarations", "out_of_order", "duplicates"}
_OR_UNKNOWN = {"type": ["boolean", "null"]}


_NEXT = ",\n"
#: Rows that are written at a time.
_CHUNK = 500


def write(report: Report, target: IO[bytes], warn: Warn) -> None:
    """The header, what is wrong, and each part as a list of objects, one row a line. Its words are English."""
    with in_english():
        judged = {"state": report.verdict.state.value, "ok": report.ok, "sentence": report.sentence}
        said = {**judged, "reasons": [asdict(reason) for reason in report.reasons], "problems": report.problems}
        head = {"schema": SCHEMA, "header": asdict(report.header), **said}
        target.write(f'{_json(head)[:-1]}, "parts": {{'.encode())
        for number, part in enumerate(report.parts):
            names = [column.name for column in part.columns]
            target.write(f'{"," if number else ""}\n"{part.name}": ['.encode())
            before, rows = "\n", part.cells()
            while lines := [_json(dict(zip(names, cells, strict=True))) for cells in islice(rows, _CHUNK)]:
                target.write(f"{before}{_NEXT.join(lines)}".encode())
                before = _NEXT
            target.write(b"]" if before == "\n" else b"\n]")
        target.write(b"\n}}\n")


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        # Django's encoder would cut a moment to milliseconds.
        if isinstance(o, date):
            return o.isoformat()
        return dict(o) if isinstance(o, Mapping) else super().default(o)


_json = _Encoder(ensure_ascii=False).encode


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the document, for programs that read it. Later versions may add parts."""
    text, number, day = {"type": "string"}, {"type": "integer"}, _TYPES[Kind.DAY]
    moment = {"type": "string", "format": "date-time"}
    special = {"since": day, "until": day, "made_at": moment, "owns_tables": {"type": "boolean"}}
    header = {field.name: special.get(field.name, text) for field in fields(Header)}
    header["position"] = _object({field.name: number for field in fields(Position)})
    parts = {name: {"type": "array", "items": _row(columns_of(row))} for name, row in _PARTS.items()}
    all_parts = _object(parts) | {"additionalProperties": {"type": "array", "items": {"type": "object"}}}
    document = {
        "schema": {"const": SCHEMA},
        "header": _object(header),
        "state": {"enum": [state.value for state in State]},
        "ok": {"type": "boolean"},
        "sentence": text,
        "reasons": {"type": "array", "items": _object({"title": text, "text": text, "good": _OR_UNKNOWN})},
        "problems": {"type": "array", "items": text},
        "parts": all_parts | {"required": [name for name in parts if name not in _OPTIONAL_PARTS]},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **_object(document)}


def _row(columns: tuple[Column, ...]) -> dict[str, Any]:
    made = _object({column.name: {**_TYPES[column.kind], "title": column.title} for column in columns})
    made["required"] = [name for name in made["required"] if name not in _OPTIONAL]
    return made


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


FORMAT = Format("json", "JSON", ".json", "application/json", streams=True, write=write)
