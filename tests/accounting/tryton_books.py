"""Fills a new Tryton database with what the tests need: `python tryton_books.py DATABASE FACTS.json`.

It runs on the Python of Tryton's own environment, which alone has these packages; nothing of Folio is imported.
A company, its chart of accounts, three fiscal years with numbers of their own, a customer, and two keys of the REST
interface: one of the administrator, one of a user who may keep invoices and no more.
"""

# mypy: ignore-errors

import datetime
import json
import sys
from pathlib import Path

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

# Tryton asks a person to confirm an invoice of the future, so the tests' invoices are of the past.
YEARS = (2024, 2025, 2026)


def fill(database: str) -> dict[str, object]:
    connection = config.set_trytond(database)
    create_company()
    company = get_company()
    # Without it a posted customer invoice can only be credited, never cancelled.
    company.cancel_invoice_out = True
    company.save()
    create_chart(company)
    accounts = get_accounts(company)
    sequences = {year: fiscal_year(company, year) for year in YEARS}
    customer = Model.get("party.party")(name="Customer", code="C-1")
    customer.save()
    return {
        "company": company.id,
        "customer": customer.code,
        "party": customer.id,
        "receivable": accounts["receivable"].code,
        "revenue": accounts["revenue"].code,
        "sequences": sequences,
        "admin_key": key(connection.user),
        "key": key(bookkeeper(company)),
    }


def fiscal_year(company: object, year: int) -> int:
    """One calendar year, numbered INV-2025-00001 and on; returns the id of its sequence."""
    made = create_fiscalyear(company, (datetime.date(year, 1, 1), datetime.date(year, 12, 31)))
    made.name = str(year)
    set_fiscalyear_invoice_sequences(made)
    sequence = made.invoice_sequences[0].out_invoice_sequence
    sequence.prefix, sequence.padding = f"INV-{year}-", 5
    sequence.save()
    made.click("create_period")
    return sequence.id


def bookkeeper(company: object) -> int:
    user = Model.get("res.user")(name="Folio", login="folio")
    user.groups.extend(Model.get("res.group").find([("name", "=", "Accounting")]))
    user.companies.append(Model.get("company.company")(company.id))
    user.company = company
    user.save()
    return user.id


def key(user: int) -> str:
    made = Model.get("res.user.application")(application="rest", user=user)
    made.save()
    return made.key


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(fill(sys.argv[1])), encoding="utf-8")
