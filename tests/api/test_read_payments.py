"""A channel sees its own payments, pages of them, and whether one has changed."""

from uuid import uuid4

import pytest

from payments.models import Payment
from payments.services.payments import mark_rejected, mark_validated
from tests.api.caller import PAYMENTS, Caller, is_problem, order
from tests.integration.bank import customer


def test_a_payment_shows_what_was_ordered_and_where_it_stands(shop: Caller) -> None:
    body = order(customer("100.00"), remittance_information="Invoice 1")
    answer = shop.get(shop.order(body)["Location"])
    shown = answer.json()
    assert answer.status_code == 200
    assert body.items() <= shown.items()
    assert (shown["state"], shown["reason"], shown["settled_at"]) == ("received", None, None)
    assert shown["rail_reference"] is None
    assert shown["amount"] == {"amount": "12.34", "currency": "EUR"}
    assert shown["created_at"].endswith("Z")


def test_a_rejected_payment_says_why(shop: Caller) -> None:
    location = shop.order()["Location"]
    mark_rejected(payment=Payment.objects.get(), reason_code="AM04", reason_text="not enough")
    shown = shop.get(location).json()
    assert (shown["state"], shown["reason"]) == ("rejected", {"code": "AM04", "text": "not enough"})


def test_an_unchanged_payment_is_not_sent_again(shop: Caller) -> None:
    location = shop.order()["Location"]
    tag = shop.get(location)["ETag"]
    unchanged = shop.get(location, If_None_Match=f'"other", {tag}')
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", tag)
    mark_validated(payment=Payment.objects.get())
    changed = shop.get(location, If_None_Match=tag)
    assert changed.status_code == 200
    assert changed["ETag"] != tag


def test_a_payment_of_another_channel_is_not_found_like_one_that_does_not_exist(shop: Caller) -> None:
    location = shop.order()["Location"]
    other = Caller.new(name="till")
    foreign, missing = other.get(location), other.get(f"{PAYMENTS}/{uuid4()}")
    assert is_problem(foreign, 404, "not-found")
    assert is_problem(missing, 404, "not-found")
    assert foreign.json() | {"instance": ""} == missing.json() | {"instance": ""}


def test_the_list_shows_the_channels_own_payments_newest_first(shop: Caller) -> None:
    debtor = customer("100.00")
    mine = [shop.order(order(debtor), key=f"k-{n}").json()["id"] for n in range(3)]
    Caller.new(name="till").order(order(debtor))
    page = shop.get(PAYMENTS).json()
    assert [payment["id"] for payment in page["results"]] == mine[::-1]
    assert page["next"] is page["previous"] is None


def test_following_next_sees_every_payment_once_even_while_new_ones_arrive(shop: Caller) -> None:
    debtor = customer("100.00")
    mine = [shop.order(order(debtor), key=f"k-{n}").json()["id"] for n in range(5)]
    seen: list[str] = []
    address: str | None = f"{PAYMENTS}?limit=2"
    while address:
        page = shop.get(address).json()
        seen += [payment["id"] for payment in page["results"]]
        address = page["next"]
        shop.order(order(debtor), key=f"later-{len(seen)}")
    assert seen == mine[::-1]


def test_the_list_is_filtered_by_state_and_reference(shop: Caller) -> None:
    debtor = customer("100.00")
    wanted = shop.order(order(debtor, end_to_end_id="INV-7"), key="k-1").json()["id"]
    shop.order(order(debtor, end_to_end_id="INV-8"), key="k-2")
    mark_rejected(payment=Payment.objects.get(pk=wanted), reason_code="AC04")
    for query in ("state=rejected", "end_to_end_id=INV-7", "state=rejected&end_to_end_id=INV-7"):
        assert [each["id"] for each in shop.get(f"{PAYMENTS}?{query}").json()["results"]] == [wanted]
    assert shop.get(f"{PAYMENTS}?state=settled&end_to_end_id=INV-7").json()["results"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=sent", "state"),
        ("end_to_end_id=" + "x" * 36, "end_to_end_id"),
        ("end_to_end_id=%00", "end_to_end_id"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("cursor=!", "cursor"),
        ("cursor=cD1ub3BlCg==", "cursor"),
        ("State=settled", "State"),
    ],
)
def test_a_bad_query_is_refused_by_name(shop: Caller, query: str, field: str) -> None:
    answer = shop.get(f"{PAYMENTS}?{query}")
    assert is_problem(answer, 400, "validation-failed")
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["detail"] == f"{field}: not accepted."  # of something stored, nobody spoke
