from oscar.apps.order import apps


class OrderConfig(apps.OrderConfig):  # type: ignore[misc]
    name = "tests.oscar.shop.order"
