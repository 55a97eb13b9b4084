"""The record of imported messages, which makes the same file start nothing twice."""

import django.db.models.functions.datetime
import sagas.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_payment_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportedMessage",
            fields=[
                ("id", models.UUIDField(default=sagas.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("message_type", models.CharField(max_length=35)),
                ("initiating_party", models.CharField(max_length=140)),
                ("message_id", models.CharField(max_length=35)),
                ("sha256", models.CharField(max_length=64)),
                ("file_name", models.CharField(max_length=255)),
                ("channel", models.CharField(max_length=100)),
                ("transactions", models.PositiveIntegerField()),
                ("imported_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("initiating_party", "message_id"), name="imported_message_once"),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="imported_message_sha256_is_hex"
                    ),
                ],
            },
        ),
    ]
