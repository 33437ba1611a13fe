"""The API of django-sequences 3.1, on Folio's serial counter: every value is a row of the ledger::

    from ledger.compat.django_sequences import get_next_value, get_next_values, get_last_value, delete, Sequence

A sequence is the series of its name (``ledger.compat.sequence_runs``), so ``get_next_value("invoice")`` and
``issue("invoice")`` count on from each other. As with the original, a second caller waits until the first one's
transaction ends, and a value that was rolled back is given again. Outside a transaction each call is one of its own.

Unlike in the original, rows can't be changed, ``ledger_verify`` proves that none is missing, and callers don't wait if
the allocation is not ``serial``. Like the original, it can be imported before the apps are ready.
"""

from collections.abc import Iterator

from ledger.errors import InvalidArgument

__all__ = ["Sequence", "delete", "get_last_value", "get_next_value", "get_next_values"]

#: The longest batch: each value is a row, and PostgreSQL indexes arrays with 32 bits.
_LONGEST = 2**31 - 1


def get_next_value(
    sequence_name: str = "default",
    initial_value: int = 1,
    reset_value: int | None = None,
    *,
    nowait: bool = False,
    using: str | None = None,
) -> int:
    """The next value of a sequence, which begins at ``initial_value``.

    With ``reset_value`` the sequence begins again before it reaches that value. With ``nowait`` a sequence that another
    transaction holds raises LockTimeout (a ``django.db.OperationalError``) instead of waiting.
    Raises InvalidArgument (a ValueError) unless ``reset_value`` is above ``initial_value``.
    """
    from ledger.compat.sequence_values import take

    _check_reset(initial_value, reset_value)
    return take(sequence_name, initial_value, reset_value, None, nowait, using)


def get_next_values(
    batch_size: int,
    sequence_name: str = "default",
    initial_value: int = 1,
    *,
    nowait: bool = False,
    using: str | None = None,
) -> range:
    """The next ``batch_size`` values of a sequence, contiguous, in one statement; otherwise as ``get_next_value``."""
    from ledger.compat.sequence_values import take, take_none

    if not 0 <= batch_size <= _LONGEST:
        raise InvalidArgument(
            f"A batch of {batch_size} values was asked for.",
            rule=f"A counter never goes back, and each value is a row, so a batch has from 0 to {_LONGEST} values.",
            remedy="Pass how many values are needed, such as get_next_values(10).",
        )
    if batch_size == 0:
        following = take_none(sequence_name, initial_value, using)
        return range(following, following)
    last = take(sequence_name, initial_value, None, batch_size, nowait, using)
    return range(last - batch_size + 1, last + 1)


def get_last_value(sequence_name: str = "default", *, using: str | None = None) -> int | None:
    """The last value of a sequence; None if it has given out none."""
    from ledger.compat.sequence_values import last

    return last(sequence_name, using)


def delete(sequence_name: str = "default", *, using: str | None = None) -> bool:
    """Let a sequence begin again at the next call; returns whether there was one.

    Its values so far stay in the ledger: its run is closed for good.
    """
    from ledger.compat.sequence_values import end

    return end(sequence_name, using)


class Sequence(Iterator[int]):
    """A sequence as an object; ``next()`` of it is its next value. Raises as ``get_next_value`` does."""

    def __init__(
        self,
        sequence_name: str = "default",
        initial_value: int = 1,
        reset_value: int | None = None,
        *,
        using: str | None = None,
    ) -> None:
        _check_reset(initial_value, reset_value)
        self.sequence_name = sequence_name
        self.initial_value = initial_value
        self.reset_value = reset_value
        self.using = using

    def get_last_value(self) -> int | None:
        """The last value of the sequence; None if it has given out none."""
        return get_last_value(self.sequence_name, using=self.using)

    def get_next_value(self, *, nowait: bool = False) -> int:
        """The next value of the sequence."""
        return get_next_value(self.sequence_name, self.initial_value, self.reset_value, nowait=nowait, using=self.using)

    def get_next_values(self, batch_size: int, *, nowait: bool = False) -> range:
        """The next ``batch_size`` values; as in the original, they ignore ``reset_value``."""
        return get_next_values(batch_size, self.sequence_name, self.initial_value, nowait=nowait, using=self.using)

    def delete(self) -> bool:
        """Let the sequence begin again; returns whether there was one."""
        return delete(self.sequence_name, using=self.using)

    def __next__(self) -> int:
        return self.get_next_value()


def _check_reset(initial_value: int, reset_value: int | None) -> None:
    if reset_value is not None and reset_value <= initial_value:
        raise InvalidArgument(
            f"reset_value must be greater than initial_value: it is {reset_value}, and that {initial_value}.",
            rule="A sequence that begins again gives out the values from initial_value up to below reset_value.",
            remedy="Raise reset_value, or leave it out.",
        )
