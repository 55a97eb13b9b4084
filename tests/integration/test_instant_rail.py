"""The adapter of the instant rail against the real simulator: what each answer, and each lost one, means."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.test import override_settings
from moneyed import Money

from payments.providers.instant_rail import InstantRail, RailReceipt
from sagas import Happened, NotFound, OutcomeUnknown, Refused, Rejected, Retryable, StillPending
from tests.integration.simulator_process import ORDER, Simulators, running_simulators

TIMEOUT = timedelta(seconds=5)


@pytest.fixture(scope="module")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    with running_simulators(tmp_path_factory.mktemp("book"), "--delay-seconds", "1.5") as running:
        yield running


@pytest.fixture
def rail(simulators: Simulators) -> InstantRail:
    return InstantRail(base_url=simulators.url)


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    # With a slash and a space: a key is text, and its place in a path must not change what it says.
    return f"saga/1 {request.node.name}"


def _submit(
    rail: InstantRail,
    key: str,
    amount: str,
    *,
    currency: str = "EUR",
    timeout: timedelta = TIMEOUT,
    creditor_iban: str = ORDER["creditor_iban"],
    end_to_end_id: str = "INVOICE-4711",
    uetr: str = ORDER["uetr"],
) -> RailReceipt:
    return rail.submit(
        idempotency_key=key,
        uetr=UUID(uetr),
        end_to_end_id=end_to_end_id,
        amount=Money(amount, currency),
        debtor_iban=ORDER["debtor_iban"],
        creditor_iban=creditor_iban,
        creditor_name=ORDER["creditor_name"],
        remittance_information=None,
        timeout=timeout,
    )


def _order(amount: str, *, currency: str = "EUR", uetr: str = ORDER["uetr"]) -> Any:
    """What an inquiry is about."""
    return {"uetr": UUID(uetr), "amount": Money(amount, currency)}


def test_an_accepted_transfer_gives_its_receipt_and_the_inquiry_gives_the_same(rail: InstantRail, key: str) -> None:
    receipt = _submit(rail, key, "12.34")

    assert receipt.rail_reference.startswith("IR")
    assert receipt.accepted_at.utcoffset() == timedelta(0)
    assert _submit(rail, key, "12.34") == receipt
    assert rail.inquire(idempotency_key=key, **_order("12.34"), timeout=TIMEOUT) == Happened(receipt)


def test_the_address_is_a_setting(simulators: Simulators, key: str) -> None:
    with override_settings(INSTANT_RAIL_URL=simulators.url):
        assert _submit(InstantRail(), key, "1.00").rail_reference


@pytest.mark.parametrize(("amount", "code"), [("1.90", "AC04"), ("1.91", "AC06")])
def test_a_rejection_is_final_with_its_iso_reason(rail: InstantRail, key: str, amount: str, code: str) -> None:
    with pytest.raises(Rejected) as rejection:
        _submit(rail, key, amount)

    refused = rail.inquire(idempotency_key=key, **_order(amount), timeout=TIMEOUT)
    assert isinstance(refused, Refused)
    assert (rejection.value.code, refused.code) == (code, code)
    assert rejection.value.reason == refused.reason != ""


@pytest.mark.parametrize("amount", ["1.92", "1.95", "1.97"], ids=["dropped", "garbage", "partial"])
def test_an_accepted_transfer_whose_answer_was_lost_is_unknown_and_then_found(
    rail: InstantRail, simulators: Simulators, key: str, amount: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        _submit(rail, key, amount)

    found = rail.inquire(idempotency_key=key, **_order(amount), timeout=TIMEOUT)
    assert isinstance(found, Happened)
    assert _submit(rail, key, amount) == found.result
    assert simulators.effects(key) == 1


@pytest.mark.parametrize("amount", ["1.93", "1.98"], ids=["503", "connection closed"])
def test_a_failure_after_sending_is_unknown_although_nothing_was_booked(
    rail: InstantRail, simulators: Simulators, key: str, amount: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        _submit(rail, key, amount)

    assert rail.inquire(idempotency_key=key, **_order(amount), timeout=TIMEOUT) == NotFound()
    _submit(rail, key, amount)
    assert simulators.effects(key) == 1


def test_throttling_is_certainly_not_applied_and_says_when_to_come_back(rail: InstantRail, key: str) -> None:
    with pytest.raises(Retryable) as throttled:
        _submit(rail, key, "1.94")

    assert throttled.value.after == timedelta(seconds=1)
    assert rail.inquire(idempotency_key=key, **_order("1.94"), timeout=TIMEOUT) == NotFound()


def test_a_timeout_is_unknown_then_pending_then_found(rail: InstantRail, simulators: Simulators, key: str) -> None:
    with pytest.raises(OutcomeUnknown):
        _submit(rail, key, "1.96", timeout=timedelta(seconds=0.1))
    first = rail.inquire(idempotency_key=key, **_order("1.96"), timeout=TIMEOUT)

    receipt = _submit(rail, key, "1.96")  # the repeat waits for the work that is already being done

    assert first == StillPending()
    assert rail.inquire(idempotency_key=key, **_order("1.96"), timeout=TIMEOUT) == Happened(receipt)
    assert simulators.effects(key) == 1


def test_a_pending_transfer_is_unknown_until_the_rail_has_decided(rail: InstantRail, key: str) -> None:
    with pytest.raises(OutcomeUnknown, match="PDNG"):
        _submit(rail, key, "1.99")

    answers = [rail.inquire(idempotency_key=key, **_order("1.99"), timeout=TIMEOUT) for _ in range(3)]
    assert answers[:2] == [StillPending(), StillPending()]
    assert isinstance(answers[2], Happened)


def test_a_key_used_with_another_order_is_unknown_never_a_guess(rail: InstantRail, key: str) -> None:
    _submit(rail, key, "5.00")

    with pytest.raises(OutcomeUnknown, match="another order, which may have been booked"):
        _submit(rail, key, "6.00")


def test_no_connection_is_certainly_unsent(key: str) -> None:
    rail = InstantRail(base_url="http://127.0.0.1:1/rail/instant/v1")

    with pytest.raises(Retryable, match="nothing was sent"):
        _submit(rail, key, "1.00")


def test_a_full_pool_is_certainly_unsent(simulators: Simulators, key: str) -> None:
    client = httpx.Client(base_url=simulators.url, limits=httpx.Limits(max_connections=1), trust_env=False)
    with client, client.stream("GET", "book"), pytest.raises(Retryable, match="PoolTimeout"):
        _submit(InstantRail(client=client), key, "1.00", timeout=timedelta(seconds=0.1))
    assert simulators.effects(key) == 0


def test_an_inquiry_that_could_not_be_sent_leaves_the_outcome_unknown(key: str) -> None:
    rail = InstantRail(base_url="http://127.0.0.1:1/rail/instant/v1")

    with pytest.raises(OutcomeUnknown, match="still unknown"):
        rail.inquire(idempotency_key=key, **_order("1.00"), timeout=TIMEOUT)


@pytest.mark.parametrize("fault", ["lose-answer", "unavailable", "throttle", "garbage", "partial", "drop"])
def test_an_inquiry_whose_answer_fails_leaves_the_outcome_unknown(
    simulators: Simulators, rail: InstantRail, key: str, fault: str
) -> None:
    _submit(rail, key, "1.00")
    client = httpx.Client(base_url=simulators.url, headers={"X-Simulate": fault}, trust_env=False)
    with client, pytest.raises(OutcomeUnknown):
        InstantRail(client=client).inquire(idempotency_key=key, **_order("1.00"), timeout=TIMEOUT)


def test_a_404_that_is_not_about_the_key_is_not_not_found(simulators: Simulators, key: str) -> None:
    elsewhere = InstantRail(base_url=simulators.url.removesuffix("/v1") + "/v2")

    with pytest.raises(OutcomeUnknown, match="404"):
        elsewhere.inquire(idempotency_key=key, **_order("1.00"), timeout=TIMEOUT)


def test_an_order_the_rail_cannot_read_is_rejected_and_names_the_field(
    rail: InstantRail, simulators: Simulators, key: str
) -> None:
    with pytest.raises(Rejected, match=r"FF01: .*creditor_iban"):
        _submit(rail, key, "1.00", creditor_iban="FR1520041010050500013M02606")
    assert key not in simulators.book()["keys"]


def test_an_order_that_is_none_is_rejected_unsent_and_without_its_values(key: str) -> None:
    rail = InstantRail(base_url="http://127.0.0.1:1/rail/instant/v1")

    with pytest.raises(Rejected, match="FF01: creditor_iban") as rejection:
        _submit(rail, key, "1.00", creditor_iban="FR14 2004")
    assert "2004" not in str(rejection.value)
    with pytest.raises(Rejected, match="FF01: uetr"):
        _submit(rail, key, "1.00", uetr="01890a5d-ac96-774b-bcce-b302099a8057")


def test_a_currency_the_rail_does_not_carry_is_rejected(rail: InstantRail, key: str) -> None:
    with pytest.raises(Rejected, match="AM03"):
        _submit(rail, key, "100", currency="JPY")


ACCEPTED = {
    "status": "ACSC",
    "idempotency_key": "k",
    "uetr": ORDER["uetr"],
    "amount": "1.00",
    "currency": "EUR",
    "rail_reference": "R1",
    "accepted_at": "2026-11-20T09:00:00Z",
}


def _rail_answering(status: int, body: object, content_type: str = "application/json") -> InstantRail:
    answer = httpx.Response(status, content=json.dumps(body).encode(), headers={"Content-Type": content_type})
    transport = httpx.MockTransport(lambda _: answer)
    return InstantRail(client=httpx.Client(base_url="http://rail.test", transport=transport))


@pytest.mark.parametrize(
    "changes",
    [
        {"idempotency_key": "another"},
        {"uetr": "00000000-0000-4000-8000-000000000000"},
        {"amount": "1.01"},
        {"currency": "SEK"},
        {"status": "ACTC"},
        {"accepted_at": "2026-11-20T09:00:00"},
        {"rail_reference": ""},
        {"rail_reference": None},
    ],
)
def test_a_nonsensical_acceptance_is_unknown(changes: dict[str, str | None]) -> None:
    with pytest.raises(OutcomeUnknown):
        _submit(_rail_answering(200, ACCEPTED | changes), "k", "1.00")


def test_an_inquiry_answered_for_another_key_is_unknown() -> None:
    with pytest.raises(OutcomeUnknown, match="another idempotency key"):
        _rail_answering(200, ACCEPTED).inquire(idempotency_key="mine", **_order("1.00"), timeout=TIMEOUT)


def test_a_field_the_rail_adds_later_does_no_harm() -> None:
    assert _submit(_rail_answering(200, ACCEPTED | {"settled_on": "TIPS"}), "k", "1.00").rail_reference == "R1"


@pytest.mark.parametrize("status", [202, 204, 301, 307, 401, 403, 404, 409, 425])
def test_a_status_the_rail_does_not_have_is_unknown(status: int) -> None:
    with pytest.raises(OutcomeUnknown, match=str(status)):
        _submit(_rail_answering(status, ACCEPTED), "k", "1.00")


def test_a_400_that_is_not_the_rails_own_word_is_unknown() -> None:
    for rail in (
        _rail_answering(400, {"type": "urn:instant-rail:invalid-request", "field": "amount"}, "text/html"),
        _rail_answering(400, {"type": "about:blank"}, "application/problem+json"),
    ):
        with pytest.raises(OutcomeUnknown):
            _submit(rail, "k", "1.00")


def test_the_rails_free_text_does_not_reach_the_ledger() -> None:
    refusal = {name: ACCEPTED[name] for name in ("idempotency_key", "uetr", "amount", "currency")}
    rail = _rail_answering(200, refusal | {"status": "RJCT", "reason": "MD07", "reason_text": "Zoe Lefevre has died"})

    with pytest.raises(Rejected) as rejection:
        _submit(rail, "k", "1.00")
    assert "Zoe" not in str(rejection.value)


def test_many_threads_share_the_pool_and_each_gets_its_own_answer(simulators: Simulators, key: str) -> None:
    references: dict[int, str] = {}

    def send(number: int) -> None:
        references[number] = _submit(InstantRail(base_url=simulators.url), f"{key}{number}", "1.00").rail_reference

    threads = [threading.Thread(target=send, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = simulators.http.get("book/entries").json()["entries"]
    booked = {entry["idempotency_key"]: entry["rail_reference"] for entry in entries}
    assert references == {number: booked[f"{key}{number}"] for number in range(64)}
