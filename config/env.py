"""Where the environment is read: every setting that a deployment may change is named in `config/settings.py`."""

from pathlib import Path

import environ

env = environ.FileAwareEnv()

ROOT = Path(__file__).resolve().parent.parent

#: Everything the embedded set-up keeps between runs: PostgreSQL's data, the file-system broker, the simulators' books.
DATA_DIR = Path(env.str("RECOURSE_DATA_DIR", default=str(ROOT / ".data"))).resolve()
