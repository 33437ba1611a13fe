from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "tests.hosts.lorikeet_shop"
    label = "shop"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        import sys

        from lorikeet.api_serializers import registry

        from tests.hosts import lorikeet_shop
        from tests.hosts.lorikeet_shop import factories, models, serializers

        for model in (models.MyLineItem, models.AustralianDeliveryAddress, models.PipeCard, models.CartDiscount):
            registry.register(model, getattr(serializers, f"{model.__name__}Serializer"))
        # By the names that Lorikeet's own tests import.
        sys.modules["shop"] = lorikeet_shop
        sys.modules["shop.models"] = models
        sys.modules["shop.factories"] = factories
