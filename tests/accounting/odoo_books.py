"""Fills a new Odoo database with what the tests need, in Odoo's own shell: `odoo shell < odoo_books.py`, FACTS=a file.

It runs on the Python of Odoo's own environment; nothing of Folio is imported. A second company, a journal of Folio's
own and one beside it, a customer, a product with a tax, euros, and keys: of the administrator, of a user who may
invoice ("Billing") and no more, and of one who sees the second company alone.
"""

# mypy: ignore-errors
# ruff: noqa: F821

import json
import os
from pathlib import Path


def key(user):
    return env["res.users.apikeys"].with_user(user).sudo()._generate(None, "tests", False)


def billing(login, company):
    groups = [env.ref("account.group_account_invoice").id, env.ref("base.group_user").id]
    values = {"name": login, "login": login, "group_ids": [(6, 0, groups)]}
    return env["res.users"].create(values | {"company_id": company.id, "company_ids": [(6, 0, [company.id])]})


def journal(name, code, **values):
    income = env["account.journal"].search([("code", "=", "INV"), ("company_id", "=", company.id)]).default_account_id
    return env["account.journal"].create(
        {"name": name, "code": code, "type": "sale", "default_account_id": income.id, **values}
    )


company = env.company
other = env["res.company"].create({"name": "Another company"})
env.ref("base.EUR").active = True
customer = env["res.partner"].create({"name": "Ada Ltd"})
tax = env["account.tax"].search([("type_tax_use", "=", "sale"), ("amount", "=", 15), ("company_id", "=", company.id)])
product = env["product.product"].create({"name": "Service", "type": "service", "taxes_id": [(6, 0, tax.ids)]})
folio, narrow = billing("folio", company), billing("narrow", other)
admin = env.ref("base.user_admin")
facts = {
    "company": company.id,
    "customer": customer.id,
    "product": product.id,
    "currency": env.ref("base.EUR").id,
    "journal": journal("Folio", "FOL").id,
    "beside": journal("Shop", "SHP").id,
    "login": folio.login,
    "key": key(folio),
    "narrow_key": key(narrow),
    "admin_key": key(admin),
}
env.cr.commit()
Path(os.environ["FACTS"]).write_text(json.dumps(facts), encoding="utf-8")
