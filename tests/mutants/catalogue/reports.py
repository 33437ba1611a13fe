"""The continuity report, its files, rules by country, and official formats."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

RULES = "tests/unit/test_rules.py"
DECLARING = "tests/integration/test_declaring.py"
REPORT = "tests/integration/test_report.py"
REPORT_FILES = "tests/integration/test_report_files.py"
REPORT_CELLS = "tests/unit/test_report_cells.py"
MISSING_SPANS = "tests/unit/test_missing_spans.py"

MUTANTS = (
    Mutant(
        "cancel not subtracted in GSTR-1",
        "ledger/reports/official/gstr1.py",
        '"net_issue": self.total - self.cancelled}',
        '"net_issue": self.total}',
        ("tests/unit/test_gstr1_rows.py",),
    ),
    Mutant(
        "row of GSTR-1 not split at a break",
        "ledger/reports/official/gstr1.py",
        " and document.value == before.value + 1:\n",
        ":\n",
        ("tests/unit/test_gstr1_rows.py",),
    ),
    Mutant(
        "gap policy ignored",
        "ledger/rules/checking.py",
        "    if gaps is not None and policy is GapPolicy.FORBIDDEN:\n",
        "    if False:\n",
        (RULES,),
    ),
    Mutant(
        "a rule to come is a ban today",
        "ledger/rules/checking.py",
        "finding.source is not None and not finding.source.binds(on)",
        "False",
        (f"{RULES}::TestTheDayOfTheLaw",),
    ),
    Mutant(
        "a deadline counts from the flagging",
        "ledger/gaps/sql.py",
        "coalesce(g.own, follows.issued_on, (g.since AT TIME ZONE {time_zone})::date)",
        "(g.since AT TIME ZONE {time_zone})::date",
        ("tests/integration/test_rules.py::TestReport",),
    ),
    Mutant(
        "a quarterly filer is late after a month",
        "ledger/rules/base.py",
        "return 3 if self.quarterly else 1",
        "return 1",
        (f"{RULES}::TestDeadlines",),
    ),
    Mutant(
        "NF-e range of 10,001 allowed",
        "ledger/reports/official/nfe.py",
        "LONGEST = 10_000\n",
        "LONGEST = 10_001\n",
        (f"{DECLARING}::TestNFe::test_at_most_ten_thousand_numbers_each",),
    ),
    Mutant(
        "neighbour of a gap off by one",
        "ledger/reports/report_sql.py",
        "AND e.value = i.before AND e.kind <> 'gap'",
        "AND e.value = i.before - 1 AND e.kind <> 'gap'",
        (REPORT,),
    ),
    Mutant(
        "a gap is a neighbour",
        "ledger/reports/report_sql.py",
        "            WHERE e.tenant = %(tenant)s AND e.period_id = w.period AND e.kind <> 'gap'\n        ) d",
        "            WHERE e.tenant = %(tenant)s AND e.period_id = w.period\n        ) d",
        (REPORT,),
    ),
    Mutant(
        "a void counts as missing",
        "ledger/reports/scope.py",
        "        missing=listed.missing,\n",
        "        missing=listed.missing + counts.void,\n",
        (REPORT,),
    ),
    Mutant(
        "the end of a gap is exclusive",
        "ledger/reports/parts.py",
        "        end=span.last,\n",
        "        end=span.last + 1,\n",
        (REPORT,),
    ),
    Mutant(
        "ends of a gap swapped",
        "ledger/reports/missing.py",
        "                yield Span(reached + 1, first - 1, island, None)",
        "                yield Span(first - 1, reached + 1, island, None)",
        (MISSING_SPANS,),
    ),
    Mutant(
        "the last day of a span is left out",
        "ledger/reports/report_sql.py",
        "coalesce(b.issued_on, a.issued_on) <= %(until)s::date",
        "coalesce(b.issued_on, a.issued_on) < %(until)s::date",
        (REPORT,),
    ),
    Mutant(
        "moments of a report in UTC",
        "ledger/reports/scope.py",
        'zone_or_utc(zones.pop() if len(zones) == 1 else "UTC")',
        'zone_or_utc("UTC")',
        (REPORT,),
    ),
    Mutant(
        "each part of a report from its own moment",
        "ledger/reports/snapshot.py",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
        (REPORT,),
    ),
    Mutant(
        "a formula in CSV",
        "ledger/reports/formats/csv_tables.py",
        "[neutralised(text, separator) for text in line]",
        "list(line)",
        (REPORT_FILES,),
    ),
    Mutant(
        "white space hides a formula",
        "ledger/reports/formats/cells.py",
        '_FORMULA = r"[\\s\\"]*[',
        '_FORMULA = r"[',
        (REPORT_CELLS,),
    ),
    Mutant(
        "a formula in XLSX",
        "ledger/reports/formats/xlsx.py",
        "        sheet.write_string(at, position, text, look)",
        "        (sheet.write_formula if text.startswith('=') else sheet.write_string)(at, position, text, look)",
        (REPORT_FILES,),
    ),
    Mutant(
        "an identity that always holds",
        "ledger/reports/scope.py",
        "adds_up=summary.identity_holds and counts.expected",
        "adds_up=counts.expected",
        (REPORT,),
    ),
    Mutant(
        "a date is broken over two lines",
        "ledger/reports/rows.py",
        'column(_("Evidence"), Kind.EVIDENCE, 3.4)',
        'column(_("Evidence"), Kind.EVIDENCE, 12)',
        (f"{REPORT_FILES}::TestPdf",),
    ),
    Mutant(
        "a cell begins only where the file's own separator stands",
        "ledger/reports/formats/cells.py",
        'others = SEPARATORS.replace(separator, "")',
        'others = ""',
        (f"{REPORT_FILES}::TestCsv",),
    ),
    Mutant(
        "green beside numbers in progress",
        "ledger/reports/report.py",
        "return self.ok and not self.header.position.in_progress",
        "return self.ok",
        (f"{REPORT_FILES}::TestPdf",),
    ),
)
