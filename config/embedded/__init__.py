"""An embedded PostgreSQL for the demo, the tests and a first look: nothing to install but pip packages.

The server belongs to a data directory, not to a process: whoever needs it first starts it, all who use the same
directory share it, and the last one to leave stops it. Its data is kept between runs. Importing this starts nothing.
"""

from config.embedded.secret import local_secret_key
from config.embedded.server import EmbeddedServer, ServerUnavailable, database_settings

__all__ = ["EmbeddedServer", "ServerUnavailable", "database_settings", "local_secret_key"]
