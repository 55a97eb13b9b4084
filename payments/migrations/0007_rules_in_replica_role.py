"""What an account is, how a payment starts and how it ended: not even a session in replica role may change it."""

from django.db import migrations

_RULES = {
    "payments_account": ("account_identity_is_fixed", "account_starts_at_zero"),
    "payments_payment": ("payment_end_is_fixed", "payment_starts_received"),
}


def _enable(how: str) -> str:
    return "".join(
        f"ALTER TABLE {table} ENABLE {how} {rule};\n" for table, rules in _RULES.items() for rule in rules
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_console_indexes")]

    operations = [migrations.RunSQL(_enable("ALWAYS TRIGGER"), _enable("TRIGGER"))]
