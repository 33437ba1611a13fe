"""What a shop has that wants numbers: organisations, and their orders."""

from django.db import models


class Organization(models.Model):
    name = models.CharField(max_length=200)


class Order(models.Model):
    org = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="orders")
    reference = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)


from tests.shop import audited, inherited, keyed, lorikeet, numbered  # noqa: E402, F401  (their models are the app's)
