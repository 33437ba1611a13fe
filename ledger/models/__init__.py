"""Three kinds of tables: configuration and counters, queues, and events, which are only inserted.

The diary of the sweeps and the mirror of accounting systems are no part of the ledger.
"""

from ledger.models.access import RolePurpose, TenantAccess, TenantBinding, TenantMove
from ledger.models.alarms import AlarmAcknowledged, AlarmRaised, AlarmResolved
from ledger.models.changes import AccessChanged, PeriodChanged, SeriesChanged
from ledger.models.columns import speak
from ledger.models.drafts import DraftCancelled, DraftMade, RemotePool
from ledger.models.events import (
    AdoptedGap,
    Adoption,
    Entry,
    GapDeclared,
    GapExplained,
    GapFlagged,
    HoleHealed,
    HoleReported,
    NumberAdopted,
    NumberIssued,
    NumberRegistered,
    NumberVoided,
)
from ledger.models.findings import FindingAcknowledged, FindingKind, FindingRaised, FindingResolved
from ledger.models.periods import Period
from ledger.models.queues import Pool, Reservation, ScanPosition, Slot, Ticket
from ledger.models.ranges import AuthorisedRange, RangeLapsed
from ledger.models.remote import ExpectedDocument, PendingComparison, RemoteDocument, RemoteReading
from ledger.models.runs import SweepBatch, SweepRun
from ledger.models.seals import LedgerSeal, SealAnchored
from ledger.models.series import Allocation, DefaultSeries, Series
from ledger.models.staging import AdoptingDay, AdoptingRow

__all__ = ["AccessChanged", "AdoptedGap", "AdoptingDay", "AdoptingRow", "Adoption", "AlarmAcknowledged", "AlarmRaised"]
__all__ += ["AlarmResolved", "Allocation", "AuthorisedRange", "DefaultSeries", "DraftCancelled", "DraftMade", "Entry"]
__all__ += ["ExpectedDocument", "FindingAcknowledged", "FindingKind", "FindingRaised", "FindingResolved", "GapDeclared"]
__all__ += ["GapExplained", "GapFlagged", "HoleHealed", "HoleReported", "LedgerSeal", "NumberAdopted", "NumberIssued"]
__all__ += ["NumberRegistered", "NumberVoided", "PendingComparison", "Period", "PeriodChanged", "Pool", "RangeLapsed"]
__all__ += ["RemoteDocument", "RemotePool", "RemoteReading", "Reservation", "RolePurpose", "ScanPosition"]
__all__ += ["SealAnchored", "Series", "SeriesChanged", "Slot", "SweepBatch", "SweepRun", "TenantAccess"]
__all__ += ["TenantBinding", "TenantMove", "Ticket"]

for _known in [*vars().values()]:
    if hasattr(_known, "_meta"):
        speak(_known)
