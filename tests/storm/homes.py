"""The homes of the tenants in a storm over two homes, and the process that moves one of them to and fro."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from random import Random
from typing import Any

from django.db import InterfaceError, OperationalError, connections

from ledger import homes, moving
from ledger.errors import MoveError
from ledger.models import TenantMove
from tests.storm.crowd import Setup
from tests.storm.journal import Journal, Kind
from tests.storm.plan import HOMES, TENANTS

#: Who moves. The others stay, the busiest in the first home.
MOVER = list(TENANTS)[1]
_STAYING = [tenant for tenant in TENANTS if tenant != MOVER]
_FILE = "homes.json"
#: Where the current move began: a process that finds it continues.
_NOTED = "moving"


def home_of(tenant: str | None) -> Any:
    """The value of LEDGER["HOMES"]."""
    if tenant is None:
        return HOMES
    known: dict[str, str] = json.loads((_folder() / _FILE).read_text())
    return known.get(tenant, HOMES[0])


def tell(tenant: str, home: str) -> None:
    """From now on the tenant lives there."""
    path = _folder() / _FILE
    known = json.loads(path.read_text()) if path.exists() else dict(zip(_STAYING, HOMES, strict=True))
    _write(path, json.dumps({**known, tenant: home}))


def living_in(home: str) -> list[str]:
    """The tenants that are at home there."""
    return [tenant for tenant in TENANTS if homes.home_of(tenant) == home]


def run(setup: Setup) -> None:
    """The life of the mover's process, straight on the servers: cut at every turn, it would hold up all who retry."""
    journal = Journal(setup.journal())
    random = Random(f"{setup.seed}/{setup.name}")
    # What has begun is ended, since the checkouts of the tenant wait for it.
    while (storming := time.time() < setup.ends) or (_under_way() and time.time() < setup.ends + setup.patience):
        time.sleep(random.uniform(1.0, 4.0) if storming else 0.2)
        try:
            if move_on(begin=storming):
                journal.note(Kind.MOVED, tenant=MOVER)
        except (OperationalError, InterfaceError, MoveError) as error:
            journal.note(Kind.BROKEN, number=str(error)[:300])
            connections.close_all()
        except Exception as error:  # noqa: BLE001  (whatever it is, the storm must tell)
            journal.note(Kind.ERROR, number=journal.keep(error))
            connections.close_all()
    journal.note(Kind.DONE)


def move_on(*, begin: bool) -> bool:
    """End the current move, or ``begin`` one; whether there was one."""
    noted = _folder() / _NOTED
    if not _under_way():
        if not begin:
            return False
        _write(noted, homes.home_of(MOVER))
    source = noted.read_text()
    to = next(home for home in HOMES if home != source)
    moving.move(MOVER, to, source=source, hook=_move_checkouts, patience=10)
    if TenantMove.objects.using(source).get(tenant=MOVER).state == TenantMove.State.LEFT:
        moving.drop(MOVER, source)
    noted.unlink()
    return True


def _move_checkouts(tenant: str, old: str, new: str) -> None:
    """The shop's own rows, and what LEDGER["HOMES"] asks."""
    columns = "attempt, tenant, series, document, transaction_id"
    with connections[old].cursor() as reading, connections[new].cursor() as writing:
        writing.execute("DELETE FROM storm_checkout WHERE tenant = %s", [tenant])  # of a stay before
        reading.execute(f"SELECT {columns} FROM storm_checkout WHERE tenant = %s", [tenant])
        writing.executemany(f"INSERT INTO storm_checkout ({columns}) VALUES (%s, %s, %s, %s, %s)", reading.fetchall())
    tell(tenant, new)


def _under_way() -> bool:
    return (_folder() / _NOTED).exists()


def _folder() -> Path:
    return Path(os.environ["FOLIO_STORM_FOLDER"])


def _write(path: Path, text: str) -> None:
    """All of it or nothing, whatever happens to the process."""
    made = path.with_suffix(".new")
    made.write_text(text)
    made.replace(path)
