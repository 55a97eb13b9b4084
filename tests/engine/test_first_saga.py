"""The first saga of docs/engine.md, as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagas import Rejected
from sagas.models import Saga, SagaStatus
from tests.engine.conftest import types

TEXT = (Path(__file__).parents[2] / "docs" / "engine.md").read_text()
Finish = Callable[..., SagaStatus]


class Rooms:
    def __init__(self) -> None:
        self.held: list[str] = []
        self.freed: list[int] = []

    def hold(self, *, unique_key: str, nights: int) -> int:
        self.held.append(unique_key)
        return 101

    def free(self, room: int) -> None:
        self.freed.append(room)


class Hotel:
    def __init__(self) -> None:
        self.booked: dict[str, str] = {}
        self.trouble: list[Exception] = []

    def find(self, *, key: str) -> str | None:
        return self.booked.get(key)

    def book(self, *, key: str, guest: int, nights: int) -> str:
        if self.trouble and isinstance(self.trouble[0], Rejected):
            raise self.trouble.pop()
        self.booked[key] = f"booking of {guest}"
        if self.trouble:
            raise self.trouble.pop()
        return self.booked[key]


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    """The names that the page's code defines; run once, since a saga is declared once."""
    code = re.search(r"## A first saga.*?```python\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"__name__": "documented", "rooms": Rooms(), "hotel": Hotel()}
    exec(code[1], names)  # noqa: S102 - our own page
    return names


@pytest.mark.parametrize(
    ("trouble", "status", "freed"),
    [(None, "completed", []), (ConnectionResetError(), "completed", []), (Rejected("FULL"), "undone", [101])],
    ids=["all goes well", "the answer is lost", "the hotel is full"],
)
def test_the_first_saga_of_the_documentation_works(
    documented: dict[str, Any], finish: Finish, trouble: Exception | None, status: str, freed: list[int]
) -> None:
    rooms, hotel = documented["rooms"], documented["hotel"]
    rooms.__init__()
    hotel.__init__()
    hotel.trouble = [trouble] if trouble else []
    documented["order"](7, request_id="request 1")
    documented["order"](7, request_id="request 1")
    saga = Saga.objects.get()
    assert finish(saga.id).status == status
    assert len(set(rooms.held)) == 1
    assert (rooms.freed, len(hotel.booked)) == (freed, 0 if freed else 1)
    assert types(saga.id)[1] == "step.completed hold_room"
