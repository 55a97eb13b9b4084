"""What the kinds of broker need. Messages are hints, so a publisher never waits for long and never tries twice."""

from pathlib import Path
from typing import Any

from config import spool

#: What a request or a flush may lose to a broker that is down; the hint is lost, the sweep finds the work.
PATIENCE_SECONDS = 0.3


def celery_settings(*, url: str, folder: Path) -> dict[str, Any]:
    """The settings of Celery that depend on the broker; `folder` is where a `filesystem://` broker keeps its files."""
    scheme = url.partition("://")[0]
    if scheme == "filesystem":
        return {
            "broker_transport": "config.spool:Transport",
            "broker_transport_options": spool.transport_options(folder),
        }
    if scheme in {"amqp", "amqps", "pyamqp"}:
        # Quorum queues survive the loss of a node. Celery recognises them by their queue argument, which these set.
        return {
            "task_default_queue_type": "quorum",
            "task_create_missing_queue_type": "quorum",
            "broker_transport_options": {"confirm_publish": True},
        }
    return {}


def publishing_options(*, url: str) -> dict[str, Any]:
    """Transport options of connections that publish: they fail fast. (A worker's own connection may take its time.)"""
    scheme = url.partition("://")[0]
    options: dict[str, Any] = {"max_retries": 0}
    if scheme in {"amqp", "amqps", "pyamqp"}:
        options |= {"read_timeout": PATIENCE_SECONDS, "write_timeout": PATIENCE_SECONDS}
    if scheme in {"redis", "rediss"}:
        options |= {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS}
    return options
