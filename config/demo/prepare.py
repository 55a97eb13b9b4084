"""Makes the bank ready: PostgreSQL, tables, static files, the demo bank's accounts. Repeating it changes nothing."""

import logging
from contextlib import ExitStack
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from config.demo.errors import DemoFailed
from config.demo.files import shown
from config.demo.interrupts import Interrupts
from config.demo.programs import LEASE_SECONDS
from config.demo.screen import Screen
from config.embedded import ServerUnavailable
from config.embedded.server import server_of
from config.env import DATA_DIR
from payments.services.seed import DEMO_ACCOUNTS, seed_demo_bank
from sagas import limits

logger = logging.getLogger("config.demo")


def is_embedded() -> bool:
    return "EMBEDDED_DATA_DIR" in settings.DATABASES["default"]


def start_postgresql(screen: Screen, interrupts: Interrupts) -> None:
    """Connect; the embedded server starts with that."""
    with screen.stage("Starting PostgreSQL" if is_embedded() else "Connecting to PostgreSQL") as tell:
        try:
            # A signal in the middle of a start would leave a server that nobody knows as its own.
            with interrupts.deferred():
                connection.ensure_connection()
        except ServerUnavailable as error:
            raise DemoFailed(str(error)) from error
        except OperationalError as error:
            raise DemoFailed(f"The server that DATABASE_URL names does not answer: {error}") from error
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0].partition(" ")[0]
        where = f"embedded, in {shown(DATA_DIR / 'postgres')}" if is_embedded() else "of DATABASE_URL"
        tell(f"PostgreSQL {version}, {where}")


def stop_postgresql() -> None:
    """Stop using the embedded server: it stops if nobody else does. Also where a signal caught it while starting."""
    if not is_embedded():
        return
    connection.close()
    server = server_of(DATA_DIR)
    if server.postmaster_pid() is not None:
        server.ensure_running()
        server.release()


def prepare_database(screen: Screen, *, afterwards: ExitStack) -> None:
    """Bring the tables up to date and open the demo bank's accounts. Another bank's database is refused untouched.

    `afterwards` learns what has to be undone when the demo ends.
    """
    refuse_another_bank()
    with screen.stage("Migrating the database") as tell:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if missing:
            call_command("migrate", verbosity=0, interactive=False)
        # For the workers' lease, which is shorter than this process's own.
        afterwards.callback(_restore_limits)
        limits.set_limits(lease=timedelta(seconds=LEASE_SECONDS))
        tell(f"Database migrated, {missing} migrations" if missing else "Database is up to date")
    with screen.stage("Opening the demo bank's accounts") as tell:
        accounts = seed_demo_bank()
        total = sum((account.balance.amount for account in accounts[1:]), accounts[0].balance.amount)
        tell(f"Demo bank: {len(accounts)} customers with {total:,.2f} EUR on their accounts")


def collect_static_files(screen: Screen) -> None:
    """For the admin; whitenoise serves them."""
    with screen.stage("Collecting static files") as tell:
        call_command("collectstatic", verbosity=0, interactive=False)
        tell(f"Static files collected in {shown(settings.STATIC_ROOT)}")


def _restore_limits() -> None:
    """Give the database the limits of this process's own lease: the demo's are too short for other workers.

    Best effort: a database that does not answer while we are ending keeps them, and the next migration sets them anew.
    """
    connection.close()  # a signal may have left it in the middle of a query
    try:
        limits.set_limits()
    except (DatabaseError, ServerUnavailable) as error:
        logger.warning("the limits of the database role stay those of the demo (%s): see set_database_limits", error)


def refuse_another_bank() -> None:
    """The demo orders payments and makes users with known passwords: never in a database that somebody works with.

    It comes before anything is changed, so the tables may be missing, or older than our models.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('payments_account') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return
        cursor.execute(
            "SELECT count(*) FROM payments_account WHERE iban IS NOT NULL AND iban <> ALL(%s)",
            [[account.iban for account in DEMO_ACCOUNTS]],
        )
        (foreign,) = cursor.fetchone()
    if foreign:
        raise DemoFailed(
            f"The database holds customers' accounts ({foreign}) that are not the demo bank's. The demo has changed "
            "nothing in it; give it a database of its own, or unset DATABASE_URL for the embedded one."
        )
