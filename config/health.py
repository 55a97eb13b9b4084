"""For load balancers and supervisors: /livez (the process answers) and /readyz (it can do its work)."""

import logging
from functools import cache

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

logger = logging.getLogger("config.health")


@require_safe
def livez(_request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers. Touches nothing else: a restart does not mend a database."""
    return JsonResponse({"live": True})


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 if the database answers and every migration of this code is applied; else 503 that says which is not so."""
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
        migrated = _migrated()
    except Error as error:
        logger.warning("not ready: the database did not answer: %s", error)
        return JsonResponse({"ready": False, "database": False}, status=503)
    return JsonResponse({"ready": migrated, "database": True, "migrations": migrated}, status=200 if migrated else 503)


def _migrated() -> bool:
    try:
        return _migrated_once()
    except _NotMigratedYet:
        return False


class _NotMigratedYet(Exception):
    """Raised, so that only the good answer is kept."""


@cache
def _migrated_once() -> bool:
    """True is remembered, for reading every migration file takes a while and applied ones stay applied."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _NotMigratedYet
    return True
