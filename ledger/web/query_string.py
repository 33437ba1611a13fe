"""Reads the query string: the order, filters and pages of tables, and business dates. The pages need no script."""

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

#: Rows of one page.
PAGE = 50
#: PostgreSQL steps over all rows before a page, so there is a last one; filters reach further.
MOST_PAGES = 2000
#: Nobody types a longer text.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: ``url`` sorts by it, or is empty; ``sorted`` is an aria-sort."""

    title: str
    url: str = ""
    sorted: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a table of ``count`` rows; ``before`` and ``after`` lead to the pages beside it, or are empty."""

    rows: Sequence[Any]
    count: int
    first: int
    before: str
    after: str
    headings: tuple[Heading, ...] = ()

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the table ``name``; its parameters begin with that: a page may have several tables."""

    request: HttpRequest
    name: str

    def text(self, key: str) -> str:
        """A filter as typed, without NUL."""
        return self.request.GET.get(f"{self.name}-{key}", "").replace("\x00", "").strip()[:_LONGEST]

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of the choices, by default the first."""
        asked = self.text(key)
        return asked if asked in choices else choices[0]

    @property
    def page(self) -> int:
        asked = self.text("page")
        return min(max(int(asked), 1), MOST_PAGES) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1

    def url(self, **changed: Any) -> str:
        """The same page with parameters of this table changed."""
        query: QueryDict = self.request.GET.copy()
        for key, value in changed.items():
            query[f"{self.name}-{key}"] = str(value)
        return f"?{query.urlencode()}#{self.name}"

    def sort(self, sortable: Iterable[str], default: str = "") -> str:
        """The column to sort by, with a minus for the reverse order; by default ``default``, or the first column."""
        known = [sign + key for key in sortable for sign in ("", "-")]
        return self.choice("sort", [default, *known] if default else known)

    def headings(
        self, columns: Mapping[str, Any], sortable: Iterable[str], by: str, numbers: Sequence[str] = ()
    ) -> tuple[Heading, ...]:
        """The headings of the columns (title by key) of a table that is sorted ``by`` one of them."""
        found = []
        for key, title in columns.items():
            url = sorted_ = ""
            if key in sortable:
                url = self.url(sort=f"-{key}" if by == key else key, page=1)
                sorted_ = {key: "ascending", f"-{key}": "descending"}.get(by, "")
            found.append(Heading(str(title), url, sorted_, key in numbers))
        return tuple(found)

    def choosing(self) -> dict[str, Any]:
        """For a table with check boxes: its filter as hidden fields, and the link that chooses all rows."""
        choose = {"all_chosen": self.text("choose") == "page", "choose_url": self.url(choose="page")}
        return {"kept": kept(self.request, self.name), **choose}

    def rows_of(
        self,
        found: QuerySet[Any],
        headings: tuple[Heading, ...] = (),
        shape: Callable[[Any], Any] = lambda row: row,
        page: int = PAGE,
    ) -> Rows:
        """The page that was asked for, of a query set; ``shape`` makes each row what the template gets."""
        return self.rows(found.count(), lambda at, limit: list(map(shape, found[at : at + limit])), headings, page)

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


def key_in(text: str) -> int | None:
    """The primary key in an address; None for any other text, and for digits that no bigint has."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def kept(request: HttpRequest, name: str) -> list[tuple[str, str]]:
    """What an address asks of a table and its dates, for a form about the same rows."""
    own = ("month", "since", "until")
    names = (key for key in request.GET if key in own or key.startswith(f"{name}-"))
    return [(key, request.GET[key]) for key in names]


@dataclass(frozen=True, slots=True)
class Dates:
    """The days from ``since`` to ``until``, both inclusive; None where that end is open."""

    since: date | None = None
    until: date | None = None
    month: str = ""

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def filter(self, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
        """The rows whose ``column`` lies in them."""
        ends = {f"{column}__gte": self.since, f"{column}__lte": self.until}
        return rows.filter(**{end: day for end, day in ends.items() if day is not None})

    def within(self, first: date, last: date) -> "Dates":
        """The part of them that lies in a period."""
        return Dates(max(self.since or first, first), min(self.until or last, last))

    @property
    def query(self) -> str:
        """The query string for the same dates; empty without dates."""
        return f"?{urlencode(self.kept)}" if self else ""

    @property
    def kept(self) -> dict[str, str]:
        """The parameters for the same dates."""
        if self.month:
            return {"month": self.month}
        return {key: f"{day}" for key, day in (("since", self.since), ("until", self.until)) if day is not None}


def asked_dates(request: HttpRequest) -> Dates:
    """``month=2026-11``, or ``since`` and ``until``. Invalid dates, and an end before the start, are ignored."""
    month = request.GET.get("month", "")
    first = _day(f"{month}-01")
    if first is not None:
        return Dates(first, first.replace(day=monthrange(first.year, first.month)[1]), month)
    since, until = _day(request.GET.get("since", "")), _day(request.GET.get("until", ""))
    return Dates() if since is not None and until is not None and since > until else Dates(since, until)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
