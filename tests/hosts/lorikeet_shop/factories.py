from __future__ import annotations

from factory import Faker, SubFactory
from factory.django import DjangoModelFactory
from factory.fuzzy import FuzzyDecimal, FuzzyInteger, FuzzyText

from tests.hosts.lorikeet_shop import models


class ProductFactory(DjangoModelFactory):
    name = FuzzyText()
    unit_price = FuzzyDecimal(1, 200)

    class Meta:
        model = models.Product


class MyLineItemFactory(DjangoModelFactory):
    product = SubFactory(ProductFactory)
    quantity = FuzzyInteger(1, 10)

    class Meta:
        model = models.MyLineItem


class AustralianDeliveryAddressFactory(DjangoModelFactory):
    addressee = Faker("name")
    address = Faker("street_address")
    suburb = Faker("city")
    state = "NSW"
    postcode = "2000"

    class Meta:
        model = models.AustralianDeliveryAddress


class CartDiscountFactory(DjangoModelFactory):
    percentage = FuzzyInteger(1, 99)

    class Meta:
        model = models.CartDiscount
