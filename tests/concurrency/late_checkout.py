"""A checkout in a process of its own, which stops at a point that its parent chose, until it is woken.

    python -m tests.concurrency.late_checkout POINT DOCUMENT

POINT is ``reserved`` (the value is committed, and not taken yet) or ``issued`` (taken, and the transaction is open).
The process writes a line before it stops, and its number when it has committed. What stops it is SIGSTOP, which is how
an overloaded machine looks from outside.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any


def stop(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGSTOP)


def main(point: str, document: str) -> None:
    import django

    django.setup()
    from django.db import transaction

    from ledger import issue
    from ledger.allocation import reserved

    ask_ahead = vars(reserved)["ask_ahead"]
    stopped: list[str] = []

    def ask_and_stop(*arguments: Any, **options: Any) -> Any:
        answer = ask_ahead(*arguments, **options)
        if point == "reserved" and not stopped:
            stopped.append(point)
            stop("reserved")
        return answer

    vars(reserved)["ask_ahead"] = ask_and_stop
    with transaction.atomic():
        number = issue("invoice", document=document)
        if point == "issued":
            stop(f"issued {number}")
    sys.stdout.write(f"{number}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
