"""Each fault of the table in `simulators/faults.py`, seen over real HTTP."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.simulator_process import Simulators, running_simulators


@pytest.fixture(scope="module")
def rail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    with running_simulators(tmp_path_factory.mktemp("book"), "--delay-seconds", "1") as simulators:
        yield simulators


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    name: str = request.node.name
    return name


def test_a_round_amount_is_accepted(rail: Simulators, key: str) -> None:
    answer = rail.post(key)

    assert answer.status_code == 200
    assert answer.json()["status"] == "ACSC"
    assert answer.json()["rail_reference"]
    assert rail.effects(key) == 1


@pytest.mark.parametrize(("amount", "reason"), [("5.90", "AC04"), ("5.91", "AC06")])
def test_a_rejection_by_cents_is_final_and_books_nothing(rail: Simulators, key: str, amount: str, reason: str) -> None:
    answers = [rail.post(key, amount=amount).json(), rail.post(key, amount=amount).json(), rail.inquire(key).json()]

    assert [(answer["status"], answer["reason"]) for answer in answers] == [("RJCT", reason)] * 3
    assert rail.effects(key) == 0


@pytest.mark.parametrize("ask", [{"amount": "5.92"}, {"simulate": "lose-answer"}])
def test_an_accepted_transfer_whose_answer_was_dropped_is_found_and_not_repeated(
    rail: Simulators, key: str, ask: dict[str, Any]
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        rail.post(key, **ask)

    assert rail.inquire(key).json()["status"] == "ACSC"
    assert rail.post(key, **ask).json()["status"] == "ACSC"
    assert rail.effects(key) == 1


@pytest.mark.parametrize("ask", [{"amount": "5.93"}, {"simulate": "unavailable"}])
def test_an_unavailable_rail_books_nothing_and_takes_the_repeat(
    rail: Simulators, key: str, ask: dict[str, Any]
) -> None:
    assert rail.post(key, **ask).status_code == 503
    assert rail.inquire(key).status_code == 404
    assert rail.post(key, **ask).json()["status"] == "ACSC"
    assert rail.effects(key) == 1


@pytest.mark.parametrize("ask", [{"amount": "5.94"}, {"simulate": "throttle"}])
def test_a_throttling_rail_says_when_to_come_back(rail: Simulators, key: str, ask: dict[str, Any]) -> None:
    answer = rail.post(key, **ask)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert rail.inquire(key).status_code == 404
    assert rail.post(key, **ask).json()["status"] == "ACSC"


@pytest.mark.parametrize("ask", [{"amount": "5.95"}, {"simulate": "garbage"}])
def test_garbage_is_answered_once_for_a_transfer_that_was_booked(
    rail: Simulators, key: str, ask: dict[str, Any]
) -> None:
    answer = rail.post(key, **ask)

    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert rail.post(key, **ask).json()["status"] == "ACSC"
    assert rail.effects(key) == 1


@pytest.mark.parametrize("ask", [{"amount": "5.97"}, {"simulate": "partial"}])
def test_half_an_answer_is_sent_once_for_a_transfer_that_was_booked(
    rail: Simulators, key: str, ask: dict[str, Any]
) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        rail.post(key, **ask)

    assert rail.inquire(key).json()["status"] == "ACSC"
    assert rail.post(key, **ask).json()["status"] == "ACSC"
    assert rail.effects(key) == 1


@pytest.mark.parametrize("ask", [{"amount": "5.98"}, {"simulate": "drop"}])
def test_a_dropped_connection_books_nothing(rail: Simulators, key: str, ask: dict[str, Any]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        rail.post(key, **ask)

    assert rail.inquire(key).status_code == 404
    assert rail.post(key, **ask).json()["status"] == "ACSC"


@pytest.mark.parametrize("ask", [{"amount": "5.96"}, {"simulate": "delay=1"}])
def test_a_slow_transfer_is_pending_until_it_is_booked(rail: Simulators, key: str, ask: dict[str, Any]) -> None:
    answers: list[httpx.Response] = []
    poster = threading.Thread(target=lambda: answers.append(rail.post(key, **ask)))
    poster.start()
    seen = set()
    while not answers:
        inquiry = rail.inquire(key)
        seen.add(inquiry.json().get("status", inquiry.status_code))
    poster.join()

    assert "PDNG" in seen
    assert answers[0].json()["status"] == "ACSC"
    assert answers[0].elapsed.total_seconds() >= 1
    assert rail.effects(key) == 1


@pytest.mark.parametrize(("ask", "asked"), [({"amount": "5.99"}, 2), ({"simulate": "pending=1"}, 1)])
def test_a_pending_transfer_is_booked_at_the_inquiry_after(
    rail: Simulators, key: str, ask: dict[str, Any], asked: int
) -> None:
    assert rail.post(key, **ask).json()["status"] == "PDNG"
    assert [rail.inquire(key).json()["status"] for _ in range(asked)] == ["PDNG"] * asked
    assert rail.effects(key) == 0

    assert rail.inquire(key).json()["status"] == "ACSC"
    assert rail.post(key, **ask).json()["status"] == "ACSC"
    assert rail.effects(key) == 1


def test_the_header_wins_over_the_cents(rail: Simulators, key: str) -> None:
    assert rail.post(key, amount="5.90", simulate="none").json()["status"] == "ACSC"
    assert rail.post(key + "'", amount="5.00", simulate="reject=AG01").json()["reason"] == "AG01"


@pytest.mark.parametrize("header", ["explode", "reject=ZZ99", "delay=soon", "none=1", "pending=-1", "delay=1e9"])
def test_a_fault_that_is_not_in_the_table_is_refused(rail: Simulators, key: str, header: str) -> None:
    answer = rail.post(key, simulate=header)

    assert answer.status_code == 400
    assert answer.json()["field"] == "X-Simulate"
    assert rail.effects(key) == 0


def test_a_currency_the_rail_does_not_carry_is_rejected(rail: Simulators, key: str) -> None:
    assert rail.post(key, currency="JPY", amount="100").json()["reason"] == "AM03"
    assert rail.post(key + "'", amount="1000000000.00").json()["reason"] == "AM02"
