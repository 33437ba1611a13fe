"""Rows that can be loaded as more than one model: parents and children with tables of their own, proxies."""

import uuid

from django.db import models
from polymorphic.models import PolymorphicModel

from ledger.compat.number_field import NumberField


class Sale(models.Model):
    amount = models.IntegerField(default=0)


class WebSale(Sale):
    address = models.CharField(max_length=100, default="")


class GiftSale(WebSale):
    """The third table of one row."""

    greeting = models.CharField(max_length=100, default="")


class FlashSale(WebSale):
    class Meta:
        proxy = True


class PhoneSale(Sale):
    """With a link to the parent of another name."""

    origin = models.OneToOneField(Sale, on_delete=models.CASCADE, parent_link=True, related_name="by_phone")


class CodedSale(Sale):
    """With a primary key of its own, beside the link to its parent."""

    code = models.CharField(max_length=20, primary_key=True)
    origin = models.OneToOneField(Sale, on_delete=models.CASCADE, parent_link=True, related_name="by_code")


class CodedGift(CodedSale):
    """Its primary key is its parent's, not the sale's."""


class NumberedSale(Sale):
    """The child has the number: it is given to the sale all the same."""

    number = NumberField(series="order")


class Payment(models.Model):
    sale = models.ForeignKey(Sale, on_delete=models.CASCADE)


class CodedPayment(models.Model):
    sale = models.ForeignKey(CodedSale, on_delete=models.CASCADE)
    number = models.CharField(max_length=20, default="")
    dated = models.DateField(null=True)


class Parcel(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Express(Parcel):
    pass


class Book(models.Model):
    book_id = models.AutoField(primary_key=True)


class Article(models.Model):
    article_id = models.AutoField(primary_key=True)


class BookReview(Book, Article):
    """Two rows at once."""


class Thing(models.Model):
    pass


class Rented(Thing):
    rented_thing = models.OneToOneField(Thing, on_delete=models.CASCADE, parent_link=True, related_name="rented")


class Sold(Thing):
    sold_thing = models.OneToOneField(Thing, on_delete=models.CASCADE, parent_link=True, related_name="sold")


class RentedAndSold(Rented, Sold):
    """Two parents, and one row above both."""


class Animal(PolymorphicModel):
    """As django-polymorphic has it: each row comes as the class that it was made with."""

    # As the package declares it, without the constraint: this app has no migrations, so its tables come first.
    polymorphic_ctype = models.ForeignKey(
        "contenttypes.ContentType",
        null=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
    )
    name = models.CharField(max_length=20)


class Dog(Animal):
    pass


class Adoption(models.Model):
    animal = models.ForeignKey(Animal, on_delete=models.CASCADE)
