"""``ledger_rules``: checks each series against the rules by country that it names."""

from functools import partial
from itertools import chain
from typing import Any

from django.core.management.base import CommandParser

from ledger.judging import Fact, Kind, judge
from ledger.management.base import LedgerCommand, iso_date
from ledger.reports.rules import SeriesReport, alarms, broken, report
from ledger.rules import Outcome, Rules, all_rules
from ledger.verification.alarms import Watch


class Command(LedgerCommand):
    help = (
        "Checks each series against the rules by country that it names, in its settings and on its real numbers, and "
        "cites the source of each rule. Ask your adviser what else the law wants. Exit code 0: nothing failed "
        "(warnings are allowed), and the series are in order; 1: a check failed, or people have work to do; "
        "2: the ledger is lost or tampered, or the options are invalid."
    )
    judges = True
    examples = """  manage.py ledger_rules
  manage.py ledger_rules --tenant shop.organization:42 --series invoice
  manage.py ledger_rules --on 2027-01-01
  manage.py ledger_rules --json | jq '.series[].findings[] | select(.outcome == "failed")'
  manage.py ledger_rules --known
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self.add_chosen(parser)
        law = "Judge by the law of this day, such as a future one, and keep no alarms. Today by default."
        parser.add_argument("--on", type=iso_date, metavar="YYYY-MM-DD", help=law)
        parser.add_argument("--known", action="store_true", help="Show the rule sets to choose from, and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["known"]:
            self._known(as_json=options["json"])
            return
        alias = self.alias(options)
        chosen = {"tenant": options["tenant"], "series": options["series"]}
        self.refuse_unknown(alias, **chosen)
        reports = list(report(**chosen, on=options["on"], using=alias))
        if options["on"] is None:
            self._keep_alarms(alias, chosen, reports)
        own = [Fact(Kind.RULE, len(broken(one)), one.tenant, one.series) for one in reports if broken(one)]
        verdict = judge(**chosen, sweeps=(), using=alias).including(own).verdict
        if options["json"]:
            told = {"ok": verdict.is_in_order, "verdict": verdict.as_dict()}
            self.write_json({"series": [one.as_dict() for one in reports], **told})
        else:
            for one in reports:
                self._show(one)
            if not reports:
                self.stdout.write("No series is defined yet.")
        said = ""
        if failed := [one for one in reports if one.count(Outcome.FAILED)]:
            named = f"{', '.join(_name(one) for one in failed[:20])}{' and more' if len(failed) > 20 else ''}"
            said = f"{sum(one.count(Outcome.FAILED) for one in failed)} checks failed, of {named}."
        self.conclude(verdict, first=said, quiet=options["json"])

    def _keep_alarms(self, alias: str, chosen: dict[str, Any], reports: list[SeriesReport]) -> None:
        refused = partial(self.stderr.write, style_func=self.style.WARNING)
        kept = Watch(alias, **chosen, country_rules=True, refused=refused)
        for alarm in chain.from_iterable(map(alarms, reports)):
            kept.see(alarm)
        kept.finish()

    def _known(self, *, as_json: bool) -> None:
        known = all_rules().values()
        if as_json:
            told = [{"code": one.code, "name": one.name, "gaps": _policy(one)} for one in known]
            sources = [[source.as_dict() for source in one.sources] for one in known]
            self.write_json([one | {"sources": each} for one, each in zip(told, sources, strict=True)])
            return
        lines = ((one.code, one.name, _policy(one) or "", "; ".join(map(str, one.sources))) for one in known)
        self.write_table(("rules", "country", "gaps", "sources"), lines)

    def _show(self, one: SeriesReport) -> None:
        if not one.rules:
            self.stdout.write(f"{_name(one)}: no rules chosen, nothing checked")
            return
        self.stdout.write(f"{_name(one)}: checks of {one.rules}{f', {one.name}' if one.name else ''}")
        styles = {
            Outcome.PASSED: self.style.SUCCESS,
            Outcome.WARNED: self.style.WARNING,
            Outcome.FAILED: self.style.ERROR,
        }
        for finding in one.findings:
            of = f" ({finding.rules})" if "," in one.rules and finding.rules else ""
            word = styles[finding.outcome](f"{finding.outcome.value:6}")
            self.stdout.write(f"  {word}  {finding.check}{of}: {finding}")
        for told in one.unchecked:
            self.stdout.write(f"  not checked: {told}")


def _policy(rules: Rules) -> str | None:
    return None if rules.gaps is None else rules.gaps.policy.value


def _name(one: SeriesReport) -> str:
    return f"{one.tenant}/{one.series}" if one.tenant else one.series
