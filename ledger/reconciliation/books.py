"""The books of one accounting system, as reconciliation is set up for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from ledger.errors import InvalidArgument
from ledger.keys import check_text, tenant_key
from ledger.kinds import kind_of


@dataclass(frozen=True, slots=True)
class BookSettings:
    """Whose books they are, and what is compared with them.

    ``system`` is the name in the settings, ``tenant`` the owner of the numbers. ``series`` are the codes of the series
    whose numbers must be there; None for all of the tenant. A number counts as missing once it is older than ``grace``.
    ``number_kept``: the system never gives the number of a dead document to another one. ``foreign``: whether numbers
    that fit no period of the series are findings. A reading of everything is refused if it misses more than
    ``largest_loss`` (a share) of the known documents. ``reads``: the kinds of documents that are read (None: all);
    ``kinds`` gives the kind of a series' documents if its code doesn't: it is compared only with documents of its kind.
    """

    system: str
    tenant: str = ""
    series: tuple[str, ...] | None = None
    grace: timedelta = timedelta(days=1)
    number_kept: bool = True
    foreign: Literal["report", "ignore"] = "report"
    largest_loss: float = 0.2
    reads: frozenset[str] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InvalidArgument for names that can't be keys."""
        check_text(self.system, InvalidArgument, "The name of the books ")
        tenant_key(self.tenant)

    def kind_of(self, code: str) -> str:
        """The kind of a series' documents."""
        return kind_of(code, self.kinds)

    @property
    def key(self) -> dict[str, str]:
        """The columns with which every row about them begins."""
        return {"tenant": self.tenant, "system": self.system}
