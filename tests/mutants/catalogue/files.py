"""Files that people exported: what they leave open is never guessed, and nothing of one is half read."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

EXPORTS = "tests/integration/test_exports.py"
BOOKS = "tests/integration/test_file_books.py"

MUTANTS = (
    Mutant(
        "a status that nobody has classified is valid",
        "ledger/spreadsheets/layout.py",
        'self.meanings.get(ANY, "")',
        'self.meanings.get(ANY, "valid")',
        (EXPORTS, BOOKS),
    ),
    Mutant(
        "an earlier history is adopted after a later one",
        "ledger/adoption/sql.py",
        "    WHERE g.value <= p.last_value AND p.last_value >= p.first_value\n",
        "    WHERE false\n",
        (EXPORTS,),
    ),
    Mutant(
        "rows of line items with different dates are one document",
        "ledger/adoption/sql.py",
        "r.line > r.first_line AND r.issued_on = r.first_on AND",
        "r.line > r.first_line AND",
        (EXPORTS,),
    ),
    Mutant(
        "a file's bad rows are left out",
        "ledger/reconciliation/files.py",
        "        reader.refuse(whole=complete is None)\n",
        "",
        (BOOKS,),
    ),
    Mutant(
        "a document of any kind bears the number of a series",
        "ledger/sql/functions/ledger_judge.sql",
        "              AND coalesce(d.kind IN ('', e.its_kind), true)\n",
        "",
        (BOOKS,),
    ),
    Mutant(
        "a full comparison does not suspect another kind",
        "ledger/sql/functions/ledger_suspects.sql",
        "                       OR (r.said <> h.its_kind AND r.said <> '')\n",
        "",
        (BOOKS,),
    ),
    Mutant(
        "a document of another kind is unknown to nobody",
        "ledger/sql/functions/ledger_judge.sql",
        "                   OR d.kind <> s.its_kind AND d.kind <> '' AND d.kind = ANY (p_kinds))\n",
        "                   )\n",
        (BOOKS,),
    ),
    Mutant(
        "what is of another kind confirms a number",
        "ledger/reconciliation/looking_sql.py",
        "(d.kind = '' OR NOT EXISTS (",
        "(true OR NOT EXISTS (",
        (BOOKS,),
    ),
    Mutant(
        "the same number of two kinds is one document",
        "ledger/reconciliation/files.py",
        '"" if row.kind in ("", Kind.INVOICE) else f"{row.kind}:"',
        '""',
        (BOOKS,),
    ),
    Mutant(
        "a series is adopted from rows of any kind",
        "ledger/adoption/__init__.py",
        "    if layout.kind_column and not layout.only_kind:\n",
        "    if False:\n",
        (EXPORTS,),
    ),
    Mutant(
        "rows of a kind that nobody named count",
        "ledger/spreadsheets/layout.py",
        '"" if kind in (self.read or ()) else',
        '"" if kind in (self.read or ()) or not kind else',
        (EXPORTS,),
    ),
    Mutant(
        "nobody is asked for the amounts of an uploaded file",
        "ledger/reconciliation/files.py",
        "describe or ledger_settings().describe",
        "describe",
        (BOOKS,),
    ),
    Mutant(
        "a hook's failed statement ends the reading",
        "ledger/reconciliation/describing.py",
        "transaction.atomic if connections[alias].in_atomic_block else nullcontext",
        "nullcontext",
        (BOOKS,),
    ),
    Mutant(
        "a file without numbers is adopted, and never again",
        "ledger/adoption/__init__.py",
        "        self._refuse_nothing(reader, source)\n",
        "",
        (EXPORTS,),
    ),
    Mutant(
        "whoever has retired a history is left alone with an error",
        "ledger/adoption/__init__.py",
        'options__has_key="retires").exists()',
        'options__has_key="retired").exists()',
        ("tests/integration/test_retiring.py",),
    ),
    Mutant(
        "what lies outside the days of a file is gone",
        "ledger/reconciliation/mirror.py",
        '"first": first, "last": last}',
        '"first": None, "last": None}',
        (BOOKS,),
    ),
)
