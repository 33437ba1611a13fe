"""Run a stand-in by itself, with discrepancies planted, until its input ends:

    echo '[{"number": "INV-1", "issued_on": "2026-03-01", "reference": "order:1", "void": false}, …]' |
        python -m tests.accounting.standins xero --keep-open

The first line that it prints is JSON: the system as LEDGER_ACCOUNTING wants it, and what was planted.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from tests.accounting.standins.books import Books
from tests.accounting.standins.erpnext import ERPNextStandIn, needs as erpnext_needs
from tests.accounting.standins.odoo import OdooStandIn, needs as odoo_needs
from tests.accounting.standins.planting import Issued, plant
from tests.accounting.standins.quickbooks import QuickBooksStandIn
from tests.accounting.standins.xero import XeroStandIn


def _with_tokens(secret: str, path: str, **more: str) -> Callable[[str], dict[str, Any]]:
    """The settings of a system that gets its tokens from ``path`` of the stand-in itself."""

    def needs(url: str) -> dict[str, Any]:
        return {
            "organisation": "org-1",
            "credentials": {"client_id": "the-client-id", "client_secret": secret, **more},
            "options": {"token_url": url + path},
        }

    return needs


STANDINS: dict[str, tuple[type[Books], Callable[[str], dict[str, Any]]]] = {
    "erpnext": (ERPNextStandIn, erpnext_needs),
    "odoo": (OdooStandIn, odoo_needs),
    "quickbooks": (
        QuickBooksStandIn,
        _with_tokens(
            QuickBooksStandIn.secret, "/oauth2/v1/tokens/bearer", refresh_token=f"refresh-{QuickBooksStandIn.secret}"
        ),
    ),
    "xero": (XeroStandIn, _with_tokens(XeroStandIn.secret, "/connect/token")),
}


def settings(name: str, url: str) -> dict[str, Any]:
    """The entry of LEDGER_ACCOUNTING["SYSTEMS"] for a stand-in at ``url``; its credentials are made up."""
    return {"adapter": name, "url": url, **STANDINS[name][1](url)}


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for an accounting system, with planted discrepancies.")
    parser.add_argument("system", choices=sorted(STANDINS))
    parser.add_argument("--keep-open", action="store_true", help="go on after the end of the input, until killed")
    arguments = parser.parse_args()
    given = json.loads(sys.stdin.readline())
    issued = [Issued(**{**each, "issued_on": date.fromisoformat(each["issued_on"])}) for each in given]
    with STANDINS[arguments.system][0]() as books:
        books.now = datetime.now(UTC).replace(microsecond=0)
        planted = plant(books, issued) if issued else []
        system = settings(arguments.system, books.url)
        print(json.dumps({"system": system, "planted": [asdict(each) for each in planted]}), flush=True)
        if arguments.keep_open:
            threading.Event().wait()
        sys.stdin.read()


if __name__ == "__main__":
    main()
