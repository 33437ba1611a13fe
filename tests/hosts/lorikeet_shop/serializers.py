from __future__ import annotations

import codecs
from typing import Any

from lorikeet.api_serializers import LineItemSerializer, PrimaryKeyModelSerializer
from rest_framework import serializers

from tests.hosts.lorikeet_shop import models


class ProductSerializer(PrimaryKeyModelSerializer):
    class Meta:
        model = models.Product
        fields = ("id", "name", "unit_price")


class MyLineItemSerializer(LineItemSerializer):
    product = ProductSerializer()

    class Meta:
        model = models.MyLineItem
        fields = ("product", "quantity")


class AustralianDeliveryAddressSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.AustralianDeliveryAddress
        fields = ("addressee", "address", "suburb", "state", "postcode")


class PipeCardSerializer(serializers.ModelSerializer):
    """The provider's token stands for the card: its letters are turned by thirteen."""

    card_token = serializers.CharField(max_length=30, write_only=True)
    brand = serializers.SerializerMethodField()
    last4 = serializers.SerializerMethodField()

    class Meta:
        model = models.PipeCard
        fields = ("card_token", "brand", "last4")

    def get_brand(self, card: Any) -> str:
        return str(card.card_id[:-4])

    def get_last4(self, card: Any) -> str:
        return str(card.card_id[-4:])

    def create(self, validated_data: dict[str, Any]) -> Any:
        validated_data["card_id"] = codecs.encode(validated_data.pop("card_token"), "rot13")
        return super().create(validated_data)


class CartDiscountSerializer(serializers.ModelSerializer):
    class Meta:
        model = models.CartDiscount
        fields = ("percentage",)
