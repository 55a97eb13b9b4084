"""Kombu's file-system transport, made safe for several processes at once: the broker of a set-up without a broker.

Kombu's own writes a message into the very file that a worker may pick up, and creates an exchange's table before it
locks it: a worker can read either while it is empty, and stops with a JSON error. Here a message appears whole or not
at all, and tables are read and written under one lock. The folders are made when the first channel is opened.
"""

import logging
import time
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from kombu.transport import filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

from config.locks import FileLock

logger = logging.getLogger(__name__)


def transport_options(folder: Path) -> dict[str, Any]:
    """Where the messages lie, and how often an idle worker looks: 50 ms costs 0.5 % of a core."""
    messages = str(folder / "messages")
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "processed_folder": str(folder / "taken"),
        "control_folder": str(folder / "exchanges"),
        "polling_interval": 0.05,
    }


class Channel(filesystem.Channel):
    """A channel on whose files several processes can work."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._make_folders()

    def _make_folders(self) -> None:
        for folder in (self.data_folder_in, self.control_folder):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]  # kombu's two bases disagree
        self._make_folders()  # somebody may have emptied the data directory
        folder = Path(self.data_folder_out)
        # No worker looks at a name that does not end in its queue's.
        name = f"{time.time_ns()}-{uuid.uuid4()}"  # workers take them in the order of their names
        draft = folder / f"{name}.draft"
        draft.write_bytes(str_to_bytes(dumps(payload)))
        draft.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                # Not a message (a disk that was full, a stray file). It is taken by now, and a hint may be lost.
                logger.warning("A message of queue %s could not be read, and was dropped.", queue)

    def get_table(self, exchange: str) -> Any:
        with self._tables():
            return super().get_table(exchange)

    def _queue_bind(self, *args: Any, **kwargs: Any) -> None:
        with self._tables():
            super()._queue_bind(*args, **kwargs)

    def _delete(self, *args: Any, **kwargs: Any) -> None:
        with self._tables():
            super()._delete(*args, **kwargs)

    def _tables(self) -> AbstractContextManager[None]:
        self._make_folders()
        return FileLock(Path(self.control_folder) / "tables.lock").exclusively()


class Transport(filesystem.Transport):
    """To be named in `CELERY_BROKER_TRANSPORT` beside a `filesystem://` URL."""

    Channel = Channel
