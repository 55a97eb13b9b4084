"""`python -m config.embedded status|psql|stop|destroy`: looks at the data directory's PostgreSQL, or removes it."""

import argparse
import os
import subprocess
import sys

from config.embedded.home import Account, programs
from config.embedded.postmaster import DATABASE
from config.embedded.reset import places_of, remove
from config.embedded.server import EmbeddedServer, ServerUnavailable
from config.env import DATA_DIR


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("command", choices=["status", "psql", "stop", "destroy"])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for psql")
    chosen = parser.parse_args(arguments)
    server = EmbeddedServer(DATA_DIR)
    try:
        commands = {"status": _status, "psql": _psql, "stop": _stop, "destroy": _destroy}
        return commands[chosen.command](server, chosen.arguments)
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


def _destroy(server: EmbeddedServer, _: list[str]) -> int:
    """Removes the data directory and what the server keeps elsewhere, without asking; says what it removes."""
    places = places_of(server.data_dir)
    for place in places:
        print(f"Removing {place} ...")
    remove(server.data_dir)
    print("Removed." if places else f"{server.data_dir} does not exist: nothing to remove.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
