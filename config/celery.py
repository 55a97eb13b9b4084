"""The Celery application. Its messages are hints ("there is work in queue q"); the ledger is the queue."""

import os
from typing import Any

from celery import Celery
from kombu import Connection

from config import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class App(Celery):
    """A Celery whose publishers give up after a few hundred milliseconds when the broker is down."""

    def connection_for_write(self, url: str | None = None, **kwargs: Any) -> Connection:
        """The connection used for publishing; the publisher's caller catches `kombu.exceptions.OperationalError`."""
        options = broker.publishing_options(url=url or self.conf.broker_write_url or "")
        options |= kwargs.pop("transport_options", None) or {}
        kwargs["connect_timeout"] = kwargs.get("connect_timeout") or broker.PATIENCE_SECONDS
        return super().connection_for_write(url, transport_options=options, **kwargs)


def _defaults() -> dict[str, Any]:
    from django.conf import settings

    return {
        # JSON only, and small: a message names a queue of the ledger, never an object.
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        # Results are in the ledger.
        "task_ignore_result": True,
        "task_publish_retry": False,
        "worker_prefetch_multiplier": 1,
        "broker_connection_retry_on_startup": True,
        **broker.celery_settings(url=settings.CELERY_BROKER_URL, folder=settings.CELERY_BROKER_DIR),
    }


app = App("recourse")
app.add_defaults(_defaults)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

from sagas.worker import install  # noqa: E402 - it declares queues on the app above

install(app)
