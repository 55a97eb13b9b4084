"""Django's PostgreSQL backend on an embedded server, which the first connection starts."""

from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base
from psycopg import OperationalError

from config.embedded.server import server_of


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects as its parent does, to a server that is up: it starts it, and starts it again if it died."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        server = server_of(Path(self.settings_dict["EMBEDDED_DATA_DIR"]))
        server.ensure_running()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError:
            # It may have been killed since this process began to use it. Once: what fails then has another cause.
            if not server.revive():
                raise
            return super().get_new_connection(conn_params)
