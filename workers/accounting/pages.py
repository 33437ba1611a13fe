"""Loops over pages that end, whatever the system answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workers.accounting.base import Page
from workers.accounting.errors import EndlessPages

#: A hundred million documents by pages of a thousand: whoever has more is going round in a circle.
LONGEST = 100_000


def pages(
    read: Callable[[str | None], Page], cursor: str | None, *, system: str, endpoint: str, longest: int = LONGEST
) -> Iterator[Page]:
    """``read`` one page after another, from ``cursor`` to the end; EndlessPages if a page or a cursor comes twice."""
    cursors = {cursor}
    seen: set[int] = set()
    for _ in range(longest):
        page = read(cursor)
        # Hashes: a few bytes for each page, however many there are.
        shape = hash(tuple((each.remote_id, each.changed_at) for each in page.invoices))
        if page.invoices and shape in seen:
            raise _endless(system, endpoint, "gave the same page twice")
        seen.add(shape)
        yield page
        if page.next_cursor is None:
            return
        if page.next_cursor in cursors:
            raise _endless(system, endpoint, "came back to a page that was read before")
        cursor = page.next_cursor
        cursors.add(cursor)
    raise _endless(system, endpoint, f"has not ended after {longest} pages")


def _endless(system: str, endpoint: str, what: str) -> EndlessPages:
    return EndlessPages(
        f"{system}: the list {endpoint} {what}.",
        rule="A list must come to an end, each page of it different.",
        remedy="The next run begins at the last page that was read. If this comes again, ask the system's support.",
        system=system,
        endpoint=endpoint,
    )
