"""A process of a shop that takes numbers, by old code or new, until it must stop. Run by ``test_processes.py``.

It begins at the first line of standard input, and ends where that ends. Then it prints one JSON document: the numbers
that it has committed, and how often each error came.
"""

from __future__ import annotations

import json
import random
import select
import sys
from collections import Counter
from collections.abc import Callable

import django

django.setup()

import sequences  # noqa: E402
from django.db import DatabaseError, transaction  # noqa: E402

from ledger.compat import django_sequence, django_sequences  # noqa: E402
from ledger.models import Adoption  # noqa: E402
from tests.compat.django_sequence.services import next_sequence as old_next_sequence  # noqa: E402

NAME = "invoice"


class Refused(Exception):
    """The payment failed."""


def of_django_sequences(new: bool) -> list[int]:
    """One value, or a few, inside a checkout that sometimes fails, or outside one."""
    api = django_sequences if new and Adoption.objects.exists() else sequences
    chance = random.random()
    if chance < 0.2:
        return [api.get_next_value(NAME)]
    with transaction.atomic():
        if chance < 0.5:
            values = list(api.get_next_values(random.randint(1, 4), NAME))
        elif chance < 0.6:
            values = [api.get_next_value(NAME, nowait=True)]
        elif chance < 0.7:
            values = [api.get_next_value(NAME, reset_value=10**9)]
        else:
            values = [api.get_next_value(NAME)]
        if random.random() < 0.2:
            raise Refused
    return values


def of_django_sequence(new: bool) -> list[int]:
    with transaction.atomic():
        next_sequence = django_sequence.next_sequence if new and Adoption.objects.exists() else old_next_sequence
        number = next_sequence(NAME)
        if random.random() < 0.2:
            raise Refused
    return [int(number.rpartition("-")[2])]


def main(system: str, role: str) -> None:
    issue: Callable[[bool], list[int]] = {
        "django-sequences": of_django_sequences,
        "django-sequence": of_django_sequence,
    }[system]
    got: list[int] = []
    errors: Counter[str] = Counter()
    sys.stdin.readline()
    while not select.select([sys.stdin], [], [], 0)[0]:
        try:
            got += issue(role == "new")
        except Refused:
            pass
        except DatabaseError as error:
            errors[str(error)] += 1
    print(json.dumps({"numbers": got, "errors": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
