"""The demo does what it says, on real processes, and leaves nothing behind."""

import re
import shutil
import signal
import socket
import subprocess
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from payments.models import JournalKind, Payment, PaymentState, Posting
from payments.selectors import open_holds, settlement_account
from sagas.models import LedgerEntry, Saga
from tests.e2e.demo_process import ROOT, running_demo, start_demo

EMBEDDED = {"DATABASE_URL": ""}


def figure(report: str, name: str) -> int:
    found = re.search(rf"^ *{re.escape(name)} +(\d+)", report, re.MULTILINE)
    assert found, f"no {name!r} in:\n{report}"
    return int(found[1])


@pytest.mark.timeout(180)
def test_a_demo_run_once_ends_well_and_reports_what_is_in_the_database(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--once") as demo:
        report = demo.rest(timeout=170)
        assert demo.process.returncode == 0, report
        demo.wait_until_nothing_is_left(seconds=1)

    assert figure(report, "Payments") == 200
    assert figure(report, "settled") == 188
    assert figure(report, "rejected and undone") == 12  # ten that the rail refuses, two IBANs with wrong check digits
    # Fourteen answers were lost on purpose, two requests met a 503, and the killed worker left some open.
    open_calls = figure(report, "Recovery of open calls:".removesuffix(":"))
    assert open_calls >= 3
    assert 16 < figure(report, "of these after inquiry") <= 16 + open_calls
    assert figure(report, "Calls sent again, same key") >= 4  # two 503s, two 429s
    assert "BROKEN" not in report
    assert len(re.findall(r"^  ok ", report, re.MULTILINE)) == 11

    with_the_one_over_the_api = 189
    assert Payment.objects.filter(state=PaymentState.SETTLED).count() == with_the_one_over_the_api
    assert not open_holds().exists()
    assert not Saga.objects.filter(ended=False).exists()
    nostro = settlement_account(rail="instant", currency="EUR")
    amounts = Posting.objects.filter(account=nostro, journal__kind=JournalKind.SETTLEMENT)
    total = -sum(amounts.values_list("amount", flat=True), Decimal(0))
    assert f"all runs: {with_the_one_over_the_api} for {total:,.2f} EUR" in report
    assert f"{LedgerEntry.objects.count()} entries in {Saga.objects.count()} chains" in report


@pytest.mark.timeout(180)
def test_what_the_demo_invites_to_works_until_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with running_demo(tmp_path, environment=EMBEDDED) as demo:
        shown = demo.read_until("Ctrl-C ends everything")
        assert log_in(shown, "operator") == log_in(shown, "auditor") == 302

        if shutil.which("curl"):
            script = re.search(r"try it +sh (\S+)", shown)
            assert script
            paid = subprocess.run(["sh", script[1]], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
            assert "HTTP/1.1 202" in paid.stdout
            assert '"state":"settled"' in paid.stdout
            entries = paid.stdout.partition("ledger says of it:\n")[2].split()
            assert (entries[0], entries[-1], entries.count("call.completed")) == ("saga.started", "saga.completed", 1)

        assert len(demo.programs()) >= 5  # gunicorn and its processes, two workers, the simulators
        demo.process.send_signal(signal.SIGINT)
        demo.rest(timeout=20)
        assert demo.process.returncode == 0  # every check held
        demo.wait_until_nothing_is_left(seconds=1)


def log_in(shown: str, user: str) -> int:
    """The status of logging in to the console with the password that the demo shows."""
    address, password = re.search(r"Admin +(\S+)", shown), re.search(rf"{user}, password (\S+)", shown)
    assert address
    assert password
    with httpx.Client(base_url=address[1], timeout=30, trust_env=False) as http:
        http.get("login/")
        answer = http.post(
            "login/",
            data={
                "username": user,
                "password": password[1],
                "csrfmiddlewaretoken": http.cookies["csrftoken"],
                "next": "/admin/",
            },
        )
    return answer.status_code


@pytest.mark.timeout(180)
def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    with running_demo(tmp_path, environment=EMBEDDED) as demo:
        demo.read_until("payments imported")  # web, workers, simulators and PostgreSQL run, payments are in flight
        demo.process.kill()
        # It cannot end the others: they notice, and end by themselves; the last one stops PostgreSQL.
        demo.wait_until_nothing_is_left(seconds=20)


@pytest.mark.parametrize(
    ("option", "variable"),
    [("--port", "RECOURSE_PORT"), ("--simulators-port", "RECOURSE_SIMULATORS_PORT")],
)
def test_a_port_in_use_is_named_with_what_changes_it(tmp_path: Path, option: str, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running_demo(tmp_path, option, str(port)) as demo:
            output = demo.rest(timeout=60)
    assert demo.process.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in output
    assert option in output
    assert variable in output
    assert "Traceback" not in output


def test_a_second_demo_on_the_same_data_is_refused_and_the_first_goes_on_until_it_is_told_to_end(
    tmp_path: Path,
) -> None:
    with running_demo(tmp_path) as first:
        first.read_until("PostgreSQL")
        second = start_demo(tmp_path)
        assert "Another demo is running" in second.rest(timeout=60)
        assert second.process.returncode == 1
        first.read_until("Workers:")
        first.process.terminate()
        first.rest(timeout=20)
        assert first.process.returncode == 128 + signal.SIGTERM
        first.wait_until_nothing_is_left(seconds=1)


def test_a_program_that_ends_by_itself_is_reported_with_its_log(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        demo.read_until("Workers:")
        web = next(found for found in demo.programs() if "gunicorn" in " ".join(found.cmdline()))
        (web.parent() if "gunicorn" in " ".join((web.parent() or web).cmdline()) else web).terminate()
        output = demo.rest(timeout=60)
    assert demo.process.returncode == 1
    assert "web ended by itself" in output
    assert "Handling signal: term" in output  # the end of gunicorn's own log
