"""Void numbers, what replaces them, dates that were mistyped, and documents that are gone."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SQL = "ledger/sql/functions"
REPLACING = "tests/integration/test_replacing.py"
REPLACING_AT_ONCE = "tests/concurrency/test_replacing.py"
DATES = "tests/integration/test_dates.py"
ADOPTION = "tests/integration/test_adoption.py"
ISSUING = "tests/integration/test_issuing.py"
CHECKOUT_ROLE = "tests/roles/test_checkout.py"
DELETION = "tests/integration/test_number_field_deletion.py"
MISSING = "tests/integration/test_missing_documents.py"

MUTANTS = (
    Mutant(
        "a number of another tenant hides one that no row bears",
        "ledger/missing_documents.py",
        "if (tenant, number) not in borne and pk in living",
        "if number not in {told for _, told in borne} and pk in living",
        (f"{MISSING}::TestTextsOfTheirOwn",),
    ),
    Mutant(
        "a void number is handed out again",
        "ledger/issuing.py",
        "        if entry.pk in void_of:\n",
        "        if False:\n",
        (REPLACING,),
    ),
    Mutant(
        "a number that isn't void is replaced",
        f"{SQL}/ledger_refuse_misfit.sql",
        "SELECT FROM ledger_entry e JOIN ledger_numbervoided v",
        "SELECT FROM ledger_entry e LEFT JOIN ledger_numbervoided v",
        (CHECKOUT_ROLE,),
    ),
    Mutant(
        "another document's number is replaced",
        f"{SQL}/ledger_refuse_misfit.sql",
        "              AND e.document = p_document AND e.document > '')\n",
        "              AND e.document > '')\n",
        (CHECKOUT_ROLE,),
    ),
    Mutant(
        "a look-up doesn't follow the chain",
        f"{SQL}/ledger_entry_of.sql",
        "    SELECT ledger_latest_of(p_tenant, e.id)\n",
        "    SELECT e.id\n",
        (REPLACING,),
    ),
    Mutant(
        "a ticket that replaces is not found again",
        f"{SQL}/ledger_leave_ticket.sql",
        "IS NOT DISTINCT FROM coalesce(entry, p_replaces)",
        "IS NOT DISTINCT FROM p_replaces",
        (REPLACING,),
    ),
    Mutant(
        "a document that was voided meanwhile passes at COMMIT",
        f"{SQL}/ledger_take_for_ticket.sql",
        "        outcome := 'voided';\n",
        "        outcome := 'existing';\n",
        (REPLACING_AT_ONCE,),
    ),
    Mutant(
        "a void number's date counts",
        f"{SQL}/ledger_is_out_of_order.sql",
        "AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = p_tenant AND v.entry_id = e.id)\n",
        "\n",
        (DATES,),
    ),
    Mutant(
        "a latest date is never set back",
        f"{SQL}/ledger_lower_date.sql",
        "    UPDATE ledger_period p SET last_issued_on = latest WHERE p.id = period;\n",
        "",
        (DATES,),
    ),
    Mutant(
        "preview looks too far ahead",
        "ledger/issuing.py",
        "        if (on is not None or moment is not None) and (day - today).days > found.max_days_ahead:\n",
        "        if False:\n",
        (DATES,),
    ),
    Mutant(
        "a date too far ahead is adopted until the database refuses it",
        "ledger/adoption/sql.py",
        "    WHERE g.issued_on > (clock_timestamp() AT TIME ZONE s.time_zone)::date + s.max_days_ahead\n",
        "    WHERE false\n",
        (ADOPTION,),
    ),
    Mutant(
        "a value without a repr is no error of ours",
        "ledger/texts.py",
        "    except (RecursionError, ValueError):\n",
        "    except RecursionError:\n",
        (ISSUING,),
    ),
    Mutant(
        "a row with a valid number can be deleted",
        "ledger/compat/number_field.py",
        "        if self.on_delete is PROTECT:\n",
        "        if False:\n",
        (DELETION,),
    ),
    Mutant(
        "a number of another tenant frees a row",
        "ledger/compat/protected_rows.py",
        "filter(tenant=tenant, series__code=series, document__in=documents)",
        "filter(tenant='', series__code=series, document__in=documents)",
        (DELETION,),
    ),
    Mutant(
        "nothing is ever gone",
        "ledger/missing_documents.py",
        "    return set(wanted) - there\n",
        "    return set()\n",
        (MISSING,),
    ),
    Mutant(
        "what is gone stays open after a void",
        f"{SQL}/ledger_note_documents.sql",
        "      AND f.entry_id = ANY (p_entries) AND f.entry_id <> ALL (p_missing)\n",
        "      AND false\n",
        (MISSING,),
    ),
    Mutant(
        "the judge doesn't hear of documents that are gone",
        "ledger/judging/facts.py",
        "            _counted(asked, Kind.NO_DOCUMENT, sql.NO_DOCUMENTS),\n",
        "",
        (MISSING,),
    ),
)
