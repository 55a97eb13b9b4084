"""Links from a saga to what it is about. The engine knows no domain, so the domains register theirs here."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest

from sagas.models import SagaStatus


@dataclass(frozen=True, slots=True)
class Link:
    """Shown in the head of a saga's page: `what` is the kind of thing, `text` names this one."""

    what: str
    text: str
    url: str


#: Gives the links of one saga. It leaves out what the request's user may not see.
LinksOf = Callable[[HttpRequest, SagaStatus], list[Link]]

_registry: dict[str, list[LinksOf]] = {}


def register(definition: str, links_of: LinksOf) -> None:
    """Show these links on the pages of sagas of this definition, whatever its version."""
    registered = _registry.setdefault(definition, [])
    if links_of not in registered:
        registered.append(links_of)


def links_of(request: HttpRequest, status: SagaStatus) -> list[Link]:
    """All links of one saga, in the order of registration."""
    return [link for give in _registry.get(status.definition, []) for link in give(request, status)]
