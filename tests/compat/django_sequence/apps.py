from django.apps import AppConfig


class DjangoSequenceConfig(AppConfig):
    name = "tests.compat.django_sequence"
    label = "django_sequence"
