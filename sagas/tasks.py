"""The one Celery task: a hint has arrived."""

from celery import shared_task

from sagas import hints
from sagas.runner import runner


@shared_task(name="sagas.drain", ignore_result=True)
def drain(queue: str) -> None:
    """Run the due sagas of a queue for a few seconds; if there may be more, ask for another hint."""
    if runner().drain(queue) and not runner().stopping.is_set():
        hints.publish(queue)
