"""The books of one accounting system, as reconciliation is set up for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Books:
    """Whose books they are and what is compared with them.

    ``system`` is the name in the settings, ``tenant`` whose numbers they have. ``series`` are the codes of the series
    whose numbers must be there; None for all of the tenant. A number is missing there once it is older than ``grace``.
    ``number_kept``: the system never gives the number of a dead document to another one. ``foreign``: whether numbers
    there that fit no period of the series are findings.
    """

    system: str
    tenant: str = ""
    series: tuple[str, ...] | None = None
    grace: timedelta = timedelta(days=1)
    number_kept: bool = True
    foreign: Literal["report", "ignore"] = "report"

    @property
    def key(self) -> dict[str, str]:
        """The columns with which every row about them begins."""
        return {"tenant": self.tenant, "system": self.system}
