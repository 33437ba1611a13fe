"""What accepts other libraries' callers, and moves their data."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DJANGO_SEQUENCES = "tests/compat/test_django_sequences.py"
DJANGO_SEQUENCE = "tests/compat/test_django_sequence.py"
SHIMS = "tests/compat/test_shims.py"
MOVING = "tests/compat/test_moving.py"  # of an SQL function one test: after each it is compared with its file
COMPAT = "ledger/compat"
NUMBER_FIELD = "tests/integration/test_number_field.py"
NUMBER_FIELD_COPIES = "tests/integration/test_number_field_copies.py"
OSCAR = "tests/oscar/test_checkout.py"
LORIKEET = "tests/integration/test_lorikeet.py"

MUTANTS = (
    Mutant(
        "a sequence that starts again by itself",
        "ledger/compat/sequence_runs.py",
        "    if (calendar := series.calendar) != CalendarKind.NEVER:\n",
        "    if (calendar := series.calendar) == '':\n",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "a turn that ended goes on",
        "ledger/compat/sequence_values.py",
        "                        end_run(alias, tenant, name, run)\n",
        "",
        (DJANGO_SEQUENCES,),
    ),
    Mutant(
        "nobody waited for in the year before",
        "ledger/compat/scopes.py",
        '            last = close_period(last, early=True, by="django-sequence", using=alias)\n',
        "",
        (DJANGO_SEQUENCE,),
    ),
    Mutant(
        "an original that the shim hides",
        "ledger/compat/standing_in.py",
        "    return None if found is None else str(found.origin)",
        "    return None",
        (SHIMS,),
    ),
    Mutant(
        "series made while callers wait",
        "ledger/compat/moving/systems.py",
        "            move.prepare(_counters(kind, alias, table, wanted))\n",
        "            pass\n",
        (MOVING,),
    ),
    Mutant(
        "a sequence is compared with all others",
        "ledger/sql/functions/ledger_colliding_period.sql",
        "            OFFSET 0\n",
        "",
        (f"{MOVING}::TestDjangoSequences::test_the_work_grows_with_their_number_alone",),
    ),
    Mutant(
        "counting by hand gives out whatever comes next",
        "ledger/compat/sequence_model.py",
        "                if taken != wanted:",
        "                if False:",
        (DJANGO_SEQUENCE,),
    ),
    Mutant(
        "skipped values leave no gaps",
        "ledger/compat/scopes.py",
        "    if find_period(series, today_of(alias, series), alias) is None:",
        "    if value:",
        (DJANGO_SEQUENCE,),
    ),
    Mutant(
        "an old name counts in today's period",
        "ledger/compat/old_names.py",
        'date(parts["year"], parts.get("month", 1), parts.get("day", 1))',
        "None",
        ("tests/compat/test_old_names.py",),
    ),
    Mutant(
        "a generator that knows no document",
        "ledger/compat/generators.py",
        "document=_document(given), ",
        "",
        ("tests/compat/test_generators.py",),
    ),
    Mutant(
        "a generator that makes do with another allocation",
        "ledger/compat/generators.py",
        "        if allocation != series.allocation:",
        "        if False:",
        ("tests/compat/test_generators.py",),
    ),
    Mutant(
        "counters moved without the lock",
        "ledger/compat/moving/systems.py",
        "            lock_counters(alias, table)\n",
        "            pass\n",
        (MOVING,),
    ),
    Mutant(
        "a counter below the highest used number",
        "ledger/compat/moving/counters.py",
        "if current is not None and highest > counter.last:",
        "if False:",
        (MOVING,),
    ),
    Mutant(
        "a number twice by old code",
        "ledger/sql/functions/ledger_moved_counter.sql",
        "IF taken <> asked AND current_query()",
        "IF false AND current_query()",
        (f"{MOVING}::TestDjangoSequence::test_old_code_after_the_move",),
    ),
    Mutant(
        "later save writes the number",
        f"{COMPAT}/number_field.py",
        "            return models.F(self.attname)\n",
        "            return getattr(model_instance, self.attname)\n",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "number of a rolled back try kept",
        f"{COMPAT}/number_field.py",
        "            self._expect_given(model_instance, saving.alias)\n",
        "            if getattr(model_instance, self.attname):\n"
        "                return getattr(model_instance, self.attname)\n",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "made-up number taken",
        f"{COMPAT}/number_field.py",
        "        if not given or given == instance.__dict__",
        "        if True or given == instance.__dict__",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "child numbered as a document of its own",
        f"{COMPAT}/number_field.py",
        'instance_key(instance, InvalidDocument, "document", model=self.model)',
        'f"{instance._meta.label_lower}:{instance._get_pk_val(self.model._meta)}"',
        (NUMBER_FIELD,),
    ),
    Mutant(
        "copy of a NumberField on another model numbers",
        f"{COMPAT}/number_field.py",
        "        if not issubclass(cls, self.declared_on):",
        "        if False:",
        (NUMBER_FIELD_COPIES,),
    ),
    Mutant(
        "copy of a NumberField on another model unique",
        f"{COMPAT}/number_field.py",
        "            self._unique = False\n",
        "",
        (NUMBER_FIELD_COPIES,),
    ),
    Mutant(
        "primary key of a failed INSERT kept",
        f"{COMPAT}/number_field.py",
        "            if drawn:  # as after",
        "            if not drawn:  # as after",
        (NUMBER_FIELD,),
    ),
    Mutant(
        "basket used again keeps its number",
        f"{COMPAT}/oscar.py",
        "                if not _is_used(entry, basket):\n",
        "                if True:\n",
        (OSCAR,),
    ),
    Mutant(
        "order number uncommitted before the payment",
        f"{COMPAT}/oscar.py",
        "if in_a_transaction and allocation",
        "if False and allocation",
        (OSCAR,),
    ),
    Mutant(
        "basket ordered twice",
        f"{COMPAT}/oscar.py",
        "    if status not in basket.editable_statuses:",
        "    if status is None:",
        (OSCAR,),
    ),
    Mutant(
        "invoice ID stays in the recipe's table",
        f"{COMPAT}/moving/pool.py",
        "    rows.filter(pk__in=[row.pk for row in taken]).delete()\n",
        "    rows.filter(pk__in=[row.pk for row in taken]).count()\n",
        (LORIKEET,),
    ),
    Mutant(
        "invoice IDs in the order of their texts",
        f"{COMPAT}/moving/pool.py",
        'order_by(Length("pk"), "pk")',
        'order_by("pk")',
        (LORIKEET,),
    ),
    Mutant(
        "a free invoice ID below the highest used number",
        f"{COMPAT}/moving/pool.py",
        'int(found["counter"]) <= period.last_value',
        'int(found["counter"]) == period.last_value',
        (LORIKEET,),
    ),
    Mutant(
        "a pool moved past checkouts under way",
        f"{COMPAT}/moving/pool.py",
        "            history.lock(alias)  # as",
        "            pass  # as",
        (LORIKEET,),
    ),
    Mutant(
        "rows locked to show what would be done",
        f"{COMPAT}/moving/pool.py",
        "select_for_update(skip_locked=True) if apply else wanted",
        "select_for_update(skip_locked=True) if True else wanted",
        (LORIKEET,),
    ),
    Mutant(
        "two make one sequence",
        f"{COMPAT}/sequence_model.py",
        "            if not made_here(alias, series):\n",
        "            if False:\n",
        (DJANGO_SEQUENCE,),
    ),
    Mutant(
        "a new counter on both sides",
        "ledger/sql/functions/ledger_moved_new_counter.sql",
        "    IF NOT present THEN\n",
        "    IF false THEN\n",
        (f"{MOVING}::TestDjangoSequences::test_new_counters_of_old_code",),
    ),
    Mutant(
        "the move waits for readers",
        "ledger/compat/moving/systems.py",
        'lock_table(alias, table, "SHARE ROW EXCLUSIVE")',
        'lock_table(alias, table, "ACCESS EXCLUSIVE")',
        (MOVING,),
    ),
)
