"""What a deployment registers beside its settings."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Channel(models.Model):
    """An OAuth2 client that may call the API, and the scopes that its tokens may have. No row: no scopes."""

    application = models.OneToOneField(
        "oauth2_provider.Application", models.CASCADE, primary_key=True, related_name="channel"
    )
    scopes = ArrayField(models.CharField(max_length=50))

    def __str__(self) -> str:
        return str(self.application)
