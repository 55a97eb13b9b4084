"""Where to look, once everything runs: addresses, log-ins, and a payment by hand."""

import json
from pathlib import Path
from typing import Final

from config.demo.api import order
from config.demo.files import DIRECTORY, LOGS, private_write, shown
from config.demo.logins import FILE, SCOPES, Logins
from config.demo.programs import Programs
from config.demo.screen import Screen

SCRIPT: Final = DIRECTORY / "pay.sh"

_PAY: Final = """\
#!/bin/sh
# Orders a payment over the API, as a program of a customer would: a token, the order, then what became of it.
set -eu
bank={url}

token=$(curl -fsS "$bank/oauth/token/" \\
  -u {client_id}:{client_secret} \\
  -d 'grant_type=client_credentials&scope={scopes}' |
  sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')

answer=$(curl -fsSi "$bank/api/v1/payments" \\
  -H "Authorization: Bearer $token" \\
  -H "Idempotency-Key: by-hand-$(date +%s)-$$" \\
  -H 'Content-Type: application/json' \\
  -d '{order}')
echo "$answer"
echo

sleep 2
location=$(echo "$answer" | tr -d '\\r' | sed -n 's/^[Ll]ocation: *//p')
payment=$(curl -fsS -H "Authorization: Bearer $token" "$bank$location")
echo "$payment"
echo

echo "What the saga's ledger says of it:"
saga=$(echo "$payment" | sed 's/.*"saga": *"\\([^"]*\\)".*/\\1/')
curl -fsS -H "Authorization: Bearer $token" "$bank$saga/entries" |
  tr '{{,' '\\n\\n' | sed -n 's/^"type": *"\\([^"]*\\)".*/  \\1/p'
"""


def show(screen: Screen, programs: Programs, logins: Logins) -> None:
    """Print them; makes the script that orders a payment."""
    write_script(SCRIPT, url=programs.web_url, logins=logins)
    screen.title("Look around")
    url = programs.web_url
    for name, text in (
        ("Admin", f"{url}/admin/"),
        ("  log in as", f"operator, password {logins.operator}"),
        ("  or as", f"auditor, password {logins.auditor}"),
        ("API", f"{url}/api/v1/schema"),
        ("  try it", f"sh {shown(SCRIPT)} (needs curl)"),
        ("The rail's book", f"{programs.book.url}/book"),
        ("Log-ins", f"{shown(FILE)}"),
        ("Logs", f"{shown(LOGS)}/"),
    ):
        screen.line(f"  {name:<16} {text}")
    screen.title("Web process and workers keep running: Ctrl-C ends everything")


def write_script(path: Path, *, url: str, logins: Logins) -> None:
    """A script for a POSIX shell with curl, which only its owner can read: it holds the client's secret."""
    body = json.dumps(order(end_to_end_id="BY-HAND"))
    private_write(
        path,
        _PAY.format(
            url=url,
            client_id=logins.client_id,
            client_secret=logins.client_secret,
            scopes=" ".join(SCOPES),
            order=body,
        ),
    )
