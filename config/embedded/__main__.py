"""`python -m config.embedded status|psql|stop`: a look at the embedded PostgreSQL of the data directory."""

import argparse
import os
import subprocess
import sys

from config.embedded.home import Account, programs
from config.embedded.postmaster import DATABASE
from config.embedded.server import EmbeddedServer, ServerUnavailable
from config.env import DATA_DIR


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("command", choices=["status", "psql", "stop"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for psql")
    chosen = parser.parse_args(arguments)
    server = EmbeddedServer(DATA_DIR)
    try:
        return {"status": _status, "psql": _psql, "stop": _stop}[chosen.command](server, chosen.arguments)
    except ServerUnavailable as error:
        print(error, file=sys.stderr)
        return 1


def _status(server: EmbeddedServer, _: list[str]) -> int:
    """Says whether it runs; exit status 3 when it does not, as init scripts have it."""
    pid = server.postmaster_pid()
    print(f"{server.data_dir}: " + (f"runs as process {pid}, at {server.url()}" if pid else "does not run"))
    return 0 if pid else 3


def _psql(server: EmbeddedServer, arguments: list[str]) -> int:
    """An interactive session, which keeps the server running for as long as it lasts."""
    server.ensure_running()
    psql = programs(Account.for_this_process()) / "psql"
    return subprocess.run([psql, server.url(DATABASE), *arguments], env=os.environ, check=False).returncode


def _stop(server: EmbeddedServer, _: list[str]) -> int:
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
