"""A model for each kind of primary key that a row can have."""

from django.db import models


class ByNumber(models.Model):
    id = models.IntegerField(primary_key=True)


class ByUUID(models.Model):
    id = models.UUIDField(primary_key=True)


class ByDecimal(models.Model):
    id = models.DecimalField(primary_key=True, max_digits=6, decimal_places=2)


class ByDate(models.Model):
    id = models.DateField(primary_key=True)


class ByMoment(models.Model):
    id = models.DateTimeField(primary_key=True)


class ByDuration(models.Model):
    id = models.DurationField(primary_key=True)


class ByTruth(models.Model):
    id = models.BooleanField(primary_key=True)


class ByCode(models.Model):
    class Code(models.TextChoices):
        RED = "red"

    id = models.CharField(primary_key=True, max_length=300)


class ByBytes(models.Model):
    id = models.BinaryField(primary_key=True)


class ByAddress(models.Model):
    id = models.GenericIPAddressField(primary_key=True)


class Keeper(models.Model):
    """Its key is a foreign key, to a model whose key is one too."""

    of = models.OneToOneField(ByUUID, primary_key=True, on_delete=models.CASCADE)


class KeeperOfKeeper(models.Model):
    of = models.OneToOneField(Keeper, primary_key=True, on_delete=models.CASCADE)


class Line(models.Model):
    """A composite key, with a foreign key as one part."""

    pk = models.CompositePrimaryKey("owner_id", "position", "currency")
    owner = models.ForeignKey(ByUUID, on_delete=models.CASCADE)
    position = models.IntegerField()
    currency = models.CharField(max_length=20)
