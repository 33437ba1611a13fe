"""Pages: who sees what, what is counted, and what is escaped."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

HEALTH_PAGES = "tests/integration/test_health_pages.py"
PAGES_ACCESS = "tests/integration/test_pages_access.py"
PAGES_ACTIONS = "tests/integration/test_pages_actions.py"
PAGES_COUNTS = "tests/integration/test_pages_counts.py"

MUTANTS = (
    Mutant(
        "anybody reads the metrics",
        "ledger/web/metrics.py",
        "    if not compare_digest(",
        "    if False and not compare_digest(",
        (f"{HEALTH_PAGES}::TestMetrics::test_nobody_else_may_read_them",),
    ),
    Mutant(
        "tenant filter of the pages dropped",
        "ledger/web/access.py",
        "return rows if self.tenants is None else rows.filter(tenant__in=self.tenants)",
        "return rows",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "any tenant may be chosen",
        "ledger/web/access.py",
        "if not self.sees(asked) or not Series",
        "if not Series",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "an auditor is offered all tenants",
        "ledger/web/access.py",
        "        if self.tenants is not None:\n            return sorted(self.tenants)[: MOST_TENANTS + 1]\n",
        "",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "a permission to act dropped",
        "ledger/web/access.py",
        'sees if nothing else does if does and not access.may(does) else ""',
        'sees if nothing else ""',
        (PAGES_ACCESS,),
    ),
    Mutant(
        "a page that forgets its permission to act",
        "ledger/web/number.py",
        '@page(does="void_number")',
        "@page()",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "the sweeps shown to an auditor",
        "ledger/web/workers.py",
        '@page("view_sweeprun", of_all_tenants=True)',
        '@page("view_sweeprun")',
        (PAGES_ACCESS,),
    ),
    Mutant(
        "an export that asks nobody",
        "ledger/web/exports.py",
        "access.find(periods, pk=pk)",
        "periods.get(pk=pk)",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "gaps of another tenant explained",
        "ledger/web/gaps.py",
        "WHERE g.tenant = %(tenant)s AND (%(period)s",
        "WHERE (g.tenant = %(tenant)s OR %(keys)s::text[] IS NOT NULL) AND (%(period)s",
        (PAGES_ACCESS, PAGES_ACTIONS),
    ),
    Mutant(
        "what came meanwhile is explained unseen",
        "ledger/web/confirming.py",
        'request.POST.get("count") != str(len(chosen))',
        "False",
        ("tests/integration/test_pages_matching.py",),
    ),
    Mutant(
        "what is minted ahead is shown as numbers",
        "ledger/web/period.py",
        "    found.last_value -= minted_ahead(found)\n",
        "    minted_ahead(found)\n",
        ("tests/integration/test_pages_matching.py",),
    ),
    Mutant(
        "a form from elsewhere is taken",
        "ledger/web/access.py",
        "secured(never_cache(csrf_protect(methods(guarded))))",
        "secured(never_cache(methods(guarded)))",
        (PAGES_ACCESS,),
    ),
    Mutant(
        "a script in a page",
        "ledger/templates/ledger/number.html",
        "{{ event.text|linebreaksbr }}",
        "{{ event.text|safe }}",
        (PAGES_ACTIONS,),
    ),
    Mutant(
        "a block counted before it is full",
        "ledger/web/counts.py",
        "if sum(counted) + left_out.get(block, 0) == size:",
        "if sum(counted) + left_out.get(block, 0) > 0:",
        (PAGES_COUNTS,),
    ),
    Mutant("voids kept too long", "ledger/web/counts.py", "if count == kept.count:", "if kept.count:", (PAGES_COUNTS,)),
    Mutant(
        "a void that commits late is missed",
        "ledger/web/counts.py",
        "if kept.count + added != count:",
        "if kept.count + added > count:",
        (PAGES_COUNTS,),
    ),
    Mutant(
        "a form that is sent twice does it twice",
        "ledger/actions/gaps.py",
        "    if last is not None and (last.explanation, last.actor) == (text, actor):\n",
        "    if False:\n",
        (PAGES_ACTIONS,),
    ),
)
