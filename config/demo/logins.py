"""Log-ins of the demo: an operator, an auditor, a program that calls the API. Made once, kept in the data directory.

Passwords are random, in a file that only its owner can read, and shown when the demo stays. They are set anew in a
database that does not know them, so a new database or a lost file does no harm.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from oauth2_provider.models import Application

from config.channels import create_channel
from config.demo.files import DIRECTORY, private_write
from config.roles import ensure_roles

FILE = DIRECTORY / "logins.json"
SCOPES = ("payments:write", "payments:read", "sagas:read")


@dataclass(frozen=True, kw_only=True)
class Logins:
    """Who may log in, with what."""

    operator: str
    auditor: str
    client_id: str
    client_secret: str


def ensure_logins(path: Path = FILE) -> Logins:
    """Users and a client that exist in this database, with the passwords that the file keeps. It may be repeated."""
    kept = _kept(path)
    operator, auditor = kept.get("operator") or _password(), kept.get("auditor") or _password()
    client_id, client_secret = kept.get("client_id", ""), kept.get("client_secret", "")
    if not Application.objects.filter(client_id=client_id).exists():
        # Another name each time: a client of the same name may exist whose secret is lost.
        channel = create_channel(name=f"demo-{secrets.token_hex(3)}", scopes=SCOPES)
        client_id, client_secret = channel.client_id, channel.client_secret
    logins = Logins(operator=operator, auditor=auditor, client_id=client_id, client_secret=client_secret)
    private_write(path, json.dumps(asdict(logins), indent=2) + "\n")
    roles = ensure_roles()
    _ensure_user("operator", operator, role=roles["operators"])
    _ensure_user("auditor", auditor, role=roles["auditors"])
    return logins


def _kept(path: Path) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _password() -> str:
    return secrets.token_urlsafe(9)


def _ensure_user(username: str, password: str, *, role: Group) -> None:
    user, _ = get_user_model().objects.get_or_create(username=username)
    user.is_staff = user.is_active = True
    if not user.check_password(password):
        user.set_password(password)
    user.save()
    user.groups.set([role])
