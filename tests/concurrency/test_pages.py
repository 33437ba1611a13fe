"""A form that is sent twice at once: the second waits for the first, and finds that nothing is left to do."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction
from django.test import Client

from ledger.actions import explain
from ledger.models import GapExplained
from tests.integration.pages import client, shop

pytestmark = pytest.mark.django_db(transaction=True)

_WAITING = """
    SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                   WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted)
"""


def test_the_second_of_two_waits_for_the_first() -> None:
    berlin = shop("berlin", "B")
    keeper: Client = client("keeper", "view_entry", "explain_gap")
    said: list[str] = []

    def send() -> None:
        try:
            form = {"gap": [f"e{berlin.gaps[1].pk}"], "reason": "incident 17"}
            said.append(keeper.post("/ledger/gaps/explain/?tenant=berlin", form, follow=True).content.decode())
        finally:
            connection.close()

    second = threading.Thread(target=send)
    with transaction.atomic(), connection.cursor() as cursor:
        # What the first has done so far: taken its turn, and said it.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledger.actions:explain', 0))")
        explain(berlin.gaps[1], explanation="incident 17", by="keeper")
        second.start()
        deadline = time.monotonic() + 60
        waits = False
        while not waits:
            assert time.monotonic() < deadline, "the second form did not wait"
            assert second.is_alive(), said
            cursor.execute(_WAITING)
            waits = cursor.fetchone()[0]
    second.join(60)
    assert not second.is_alive()
    assert "it was done before" in said[0]
    assert GapExplained.objects.filter(entry=berlin.gaps[1]).count() == 1
