"""The rail's book: one effect per key, durable, honest about what it was asked."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.book import Abandoned, Book
from simulators.faults import REASONS
from tests.integration.simulator_process import ORDER, ROOT, Simulators, running_simulators

CODES = ROOT.parent / "shared/data/iso20022/codes/external_status_reason_code.json"


@pytest.fixture
def rail(tmp_path: Path) -> Iterator[Simulators]:
    with running_simulators(tmp_path) as simulators:
        yield simulators


def test_the_same_key_has_the_same_answer_and_one_effect(rail: Simulators) -> None:
    first, second = rail.post("k"), rail.post("k")

    assert first.content == second.content
    assert rail.book() == {
        "currencies": {"EUR": {"accepted": 1, "sum": "10.00"}},
        "rejected": 0,
        "pending": 0,
        "keys": {"k": {"requests": 2, "effects": 1}},
    }


def test_the_same_key_with_another_order_is_422_and_changes_nothing(rail: Simulators) -> None:
    rail.post("k")

    answer = rail.post("k", amount="11.00")

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:instant-rail:key-reused")
    assert rail.book()["currencies"]["EUR"]["sum"] == "10.00"


def test_two_hundred_concurrent_posts_with_one_key_have_one_effect(tmp_path: Path) -> None:
    with running_simulators(tmp_path, "--latency-ms", "100") as rail, ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: rail.post("k").content, range(200)))

        assert len(set(answers)) == 1
        assert rail.book()["keys"]["k"] == {"requests": 200, "effects": 1}
        assert len(rail.http.get("book/entries").json()["entries"]) == 1


def test_five_hundred_clients_can_connect_at_once(rail: Simulators) -> None:
    host, port = rail.http.base_url.host, rail.http.base_url.port
    sockets = [socket.create_connection((host, port or 0), timeout=5) for _ in range(500)]
    try:
        for each in sockets:
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: rail\r\n\r\n")
        assert all(each.recv(15) == b"HTTP/1.1 200 OK" for each in sockets)
    finally:
        for each in sockets:
            each.close()


def test_a_killed_rail_remembers_what_it_answered(tmp_path: Path) -> None:
    with running_simulators(tmp_path) as rail:
        accepted, rejected = rail.post("a").content, rail.post("r", amount="1.90").content
        rail.post("p", amount="1.99")
        rail.inquire("p")
        before = rail.book()
        rail.kill()

    with running_simulators(tmp_path) as rail:
        assert rail.book() == before
        assert rail.inquire("p").json()["status"] == "PDNG"
        assert rail.inquire("p").json()["status"] == "ACSC"
        assert rail.post("a").content == accepted
        assert rail.post("r", amount="1.90").content == rejected
        assert rail.effects("a") == 1


def test_a_book_that_is_closed_takes_nothing_more(tmp_path: Path) -> None:
    book = Book(directory=tmp_path, name="book")
    book.close()

    with pytest.raises(Abandoned):
        book.count_request(key="k")


def test_a_torn_last_line_is_cut_off_and_the_rest_stands(tmp_path: Path) -> None:
    with running_simulators(tmp_path) as rail:
        rail.post("a")
        rail.kill()
    journal = tmp_path / "instant_rail.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"kind":"entry","n":2,"idempo')

    with running_simulators(tmp_path) as rail:
        assert journal.read_bytes() == whole
        assert rail.effects("a") == 1
        assert rail.post("b").json()["status"] == "ACSC"
    assert all(json.loads(line) for line in journal.read_text().splitlines())


def test_a_damaged_line_in_the_middle_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "instant_rail.jsonl").write_text(
        '{"kind":"request","key":"a"}\nnonsense\n{"kind":"request","key":"a"}\n'
    )

    refused = _start_in_vain(tmp_path)

    assert "instant_rail.jsonl, line 2" in refused


def test_a_book_in_use_is_refused(rail: Simulators, tmp_path: Path) -> None:
    assert "in use by another process" in _start_in_vain(tmp_path)


def test_a_port_in_use_is_named(rail: Simulators, tmp_path: Path) -> None:
    port = rail.http.base_url.port

    assert f"port {port} on 127.0.0.1 is in use" in _start_in_vain(tmp_path / "other", port=port or 0)


def test_term_ends_the_rail_within_a_second_with_work_and_idle_connections_open(rail: Simulators) -> None:
    rail.book()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(rail.post, "slow", simulate="delay=30")
        while rail.inquire("slow").status_code == 404:
            pass
        began = time.monotonic()
        assert rail.terminate() == 0
        assert time.monotonic() - began < 1
        assert isinstance(working.exception(), httpx.RemoteProtocolError)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"uetr": "01890a5d-ac96-774b-bcce-b302099a8057"}, "uetr"),
        ({"end_to_end_id": "x" * 36}, "end_to_end_id"),
        ({"amount": 10.5}, "amount"),
        ({"amount": "10.5"}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"debtor_iban": "DE88370400440532013000"}, "debtor_iban"),
        ({"creditor_iban": None}, "creditor_iban"),
        ({"creditor_name": " "}, "creditor_name"),
        ({"remittance_information": "x" * 141}, "remittance_information"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_order_that_is_none_is_400_and_names_the_field(
    rail: Simulators, changes: dict[str, Any], field: str
) -> None:
    answer = rail.post("k", **changes)

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["field"] == field
    assert rail.book()["keys"] == {}


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k" * 256}])
def test_a_missing_or_overlong_key_is_400(rail: Simulators, headers: dict[str, str]) -> None:
    answer = rail.http.post("credit-transfers", json=ORDER, headers=headers)

    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
    assert rail.post("k" * 255).status_code == 200


def test_a_body_that_is_no_json_is_400_and_the_connection_goes_on(rail: Simulators) -> None:
    for body in (b"{", b"[1]", b"[" * 60_000, b"\xff"):
        answer = rail.http.post("credit-transfers", content=body, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["field"]) == (400, "body")
    assert rail.post("k").status_code == 200


def test_the_entries_are_paged_in_the_order_of_decisions(rail: Simulators) -> None:
    for number in range(501):
        rail.post(f"k{number}")

    first = rail.http.get("book/entries").json()
    rest = rail.http.get("book/entries", params={"after": first["next_after"]}).json()

    assert [entry["n"] for entry in first["entries"] + rest["entries"]] == list(range(1, 502))
    assert rest["next_after"] is None


def test_the_reasons_are_codes_of_iso_20022() -> None:
    if not CODES.exists():
        pytest.skip("the ISO 20022 external code sets are not beside this checkout")

    assert REASONS.keys() <= json.loads(CODES.read_text())["codes"].keys()


def _start_in_vain(book: Path, *, port: int = 0) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "simulators", "--port", str(port), "--book", str(book)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr
