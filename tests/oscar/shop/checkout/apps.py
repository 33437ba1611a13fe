from oscar.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):  # type: ignore[misc]
    name = "tests.oscar.shop.checkout"
