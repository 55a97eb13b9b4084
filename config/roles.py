"""The groups of people who use the console, and what each may see. Nobody may change a record of value there."""

from typing import Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction

_RECORDS: Final = (
    "sagas.view_sagastatus",
    "payments.view_payment",
    "payments.view_account",
    "payments.view_hold",
    "payments.view_holdresolution",
    "payments.view_journal",
    "payments.view_posting",
    "payments.view_importedmessage",
)

#: Operators run the payments; auditors see the same and, beyond it, who has access.
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "operators": _RECORDS,
    "auditors": (*_RECORDS, "auth.view_user", "auth.view_group"),
}


def ensure_roles() -> dict[str, Group]:
    """Make the groups, each with exactly these permissions, and return them by name. Repeating it changes nothing.

    Raises `LookupError` where a permission does not exist: the migrations have not run.
    """
    with transaction.atomic():
        return {name: _group(name, wanted) for name, wanted in ROLES.items()}


def _group(name: str, wanted: tuple[str, ...]) -> Group:
    codenames = [permission.partition(".")[2] for permission in wanted]
    found = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    by_name = {f"{permission.content_type.app_label}.{permission.codename}": permission for permission in found}
    missing = [permission for permission in wanted if permission not in by_name]
    if missing:
        raise LookupError(f"no permission {', '.join(missing)}: run `manage.py migrate` first; no group was changed")
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.set([by_name[permission] for permission in wanted])
    return group
