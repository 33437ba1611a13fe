"""Tables that are sorted and paged by their addresses, without a script."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict

#: Rows of one page.
PAGE = 50
#: PostgreSQL steps over all rows before a page, so there is a last one; filters reach further.
MOST_PAGES = 2000
#: Nobody types a longer text.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: ``url`` sorts by it, empty where that is no choice; ``sorted`` is an aria-sort."""

    title: str
    url: str = ""
    sorted: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a table: ``count`` of all rows, ``before`` and ``after`` the addresses of its neighbours or empty."""

    rows: Sequence[Any]
    count: int
    first: int
    before: str
    after: str
    headings: tuple[Heading, ...] = ()

    @property
    def last(self) -> int:
        """The place of the last row shown."""
        return self.first + len(self.rows) - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the table named ``name``: parameters bear its name, so that a page may have several."""

    request: HttpRequest
    name: str

    def text(self, key: str) -> str:
        """A filter, as it was typed; without what no key holds."""
        return self.request.GET.get(f"{self.name}-{key}", "").replace("\x00", "").strip()[:_LONGEST]

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of the choices, by default the first."""
        asked = self.text(key)
        return asked if asked in choices else choices[0]

    @property
    def page(self) -> int:
        """From 1."""
        asked = self.text("page")
        return min(max(int(asked), 1), MOST_PAGES) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1

    def url(self, **changed: Any) -> str:
        """The same page with parameters of this table changed."""
        query: QueryDict = self.request.GET.copy()
        for key, value in changed.items():
            query[f"{self.name}-{key}"] = str(value)
        return f"?{query.urlencode()}#{self.name}"

    def sort(self, sortable: Iterable[str], default: str = "") -> str:
        """The column to sort by, with a minus to turn it round; without a choice the default, or the first."""
        known = [sign + key for key in sortable for sign in ("", "-")]
        return self.choice("sort", [default, *known] if default else known)

    def headings(
        self, columns: Mapping[str, Any], sortable: Iterable[str], by: str, numbers: Sequence[str] = ()
    ) -> tuple[Heading, ...]:
        """The headings of columns, by key and title, in a table that is sorted ``by`` one of them."""
        found = []
        for key, title in columns.items():
            url = sorted_ = ""
            if key in sortable:
                url = self.url(sort=f"-{key}" if by == key else key, page=1)
                sorted_ = {key: "ascending", f"-{key}": "descending"}.get(by, "")
            found.append(Heading(str(title), url, sorted_, key in numbers))
        return tuple(found)

    def rows(
        self,
        count: int,
        read: Callable[[int, int], Sequence[Any]],
        headings: tuple[Heading, ...] = (),
        page: int = PAGE,
    ) -> Rows:
        """The page that was asked for: ``read(offset, limit)`` reads its rows."""
        pages = min(max(1, -(-count // page)), MOST_PAGES)
        number = min(self.page, pages)
        found = read((number - 1) * page, page)
        return Rows(
            rows=found,
            count=count,
            first=(number - 1) * page + 1,
            before=self.url(page=number - 1) if number > 1 else "",
            after=self.url(page=number + 1) if number < pages else "",
            headings=headings,
        )


def kept(request: HttpRequest, name: str) -> list[tuple[str, str]]:
    """What an address asks of a table and its dates, for the form that goes on with the same rows."""
    own = ("month", "since", "until")
    names = (key for key in request.GET if key in own or key.startswith(f"{name}-"))
    return [(key, request.GET[key]) for key in names]
