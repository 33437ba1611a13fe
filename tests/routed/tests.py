"""Run by tests/integration/test_routed.py, in a process of its own."""

from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from ledger import define_series, issue, preview


class Checkout(TestCase):
    databases = {"default", "numbers"}

    def test_issues(self) -> None:
        series = define_series("invoice", template="I-{counter:04}", calendar="never")
        with transaction.atomic(using="numbers"):
            assert str(issue("invoice", by=User.objects.create_user("ann"))) == "I-0001"
        assert preview(series) == "I-0002"


class Flushed(TransactionTestCase):
    databases = {"default", "numbers"}

    def test_is_flushed(self) -> None:
        define_series("invoice", template="I-{counter:04}", calendar="never")
