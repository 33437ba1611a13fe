"""Files that people exported: what they leave open is never guessed, and nothing of one is half read."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

EXPORTS = "tests/integration/test_exports.py"
BOOKS = "tests/integration/test_file_books.py"

MUTANTS = (
    Mutant(
        "a status that nobody has classified is valid",
        "ledger/tables/layout.py",
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
        "what lies outside the days of a file is gone",
        "ledger/reconciliation/mirror.py",
        '"first": first, "last": last}',
        '"first": None, "last": None}',
        (BOOKS,),
    ),
)
