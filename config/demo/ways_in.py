"""Where to look, once everything runs: addresses, log-ins, and a payment by hand."""

import json

from config.demo.api import order
from config.demo.files import LOGS, shown
from config.demo.logins import FILE, Logins
from config.demo.programs import Programs
from config.demo.screen import Screen


def show(screen: Screen, programs: Programs, logins: Logins) -> None:
    screen.title("Look around")
    url = programs.web_url
    for name, text in (
        ("Admin", f"{url}/admin/"),
        ("  log in as", f"operator, password {logins.operator}"),
        ("  or as", f"auditor, password {logins.auditor}"),
        ("API schema", f"{url}/api/v1/schema"),
        ("The rail's book", f"{programs.book.url}/book"),
        ("Log-ins, logs", f"{shown(FILE)}, {shown(LOGS)}/"),
    ):
        screen.line(f"  {name:<16} {text}")
    screen.title("Order a payment yourself")
    for line in curl(programs, logins):
        screen.line(f"  {line}")
    screen.title("Web process and workers keep running: Ctrl-C ends everything")


def curl(programs: Programs, logins: Logins) -> list[str]:
    """Two commands for a POSIX shell: get a token, order a payment."""
    url = programs.web_url
    return [
        f"TOKEN=$(curl -s {url}/oauth/token/ \\",
        f"  -u {logins.client_id}:{logins.client_secret} \\",
        "  -d 'grant_type=client_credentials&scope=payments:write' \\",
        """  | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')""",
        f'curl -i {url}/api/v1/payments -H "Authorization: Bearer $TOKEN" \\',
        "  -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s)\" \\",
        f"  -d '{json.dumps(order(end_to_end_id='BY-HAND-1'), separators=(',', ':'))}'",
    ]
