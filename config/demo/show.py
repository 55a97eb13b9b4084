"""The demo from beginning to end: reads like its programme."""

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from config.demo import act, api, ports, prepare, report, ways_in
from config.demo.errors import DemoRunsAlready
from config.demo.files import DIRECTORY, LOGS, shown
from config.demo.findings import find
from config.demo.interrupts import Interrupted, Interrupts, ignore_signals
from config.demo.logins import ensure_logins
from config.demo.message import Message
from config.demo.programs import Programs, environment, rail_url
from config.demo.screen import Screen
from config.demo.supervisor import Supervisor
from config.env import DATA_DIR
from config.locks import FileLock
from payments.selectors import settlement_account
from payments.steps import RAIL


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    once: bool
    port: int
    simulators_port: int


def show(screen: Screen, options: Options) -> int:
    """Run the demo; returns the exit status. When it returns, everything that it started has ended."""
    interrupts = Interrupts()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    DIRECTORY.chmod(0o700)  # log-ins, and payments in the logs and in the rail's book
    lock = FileLock(DIRECTORY / "running.lock")
    if not lock.try_exclusive():
        raise DemoRunsAlready(directory=shown(DATA_DIR))
    supervisor = Supervisor(
        logs=LOGS, environment=environment(rail_url=rail_url(port=options.simulators_port)), interrupts=interrupts
    )
    held = False
    afterwards = ExitStack()
    with interrupts.listening():
        try:
            held = _perform(screen, options, supervisor, interrupts, afterwards)
            if not options.once:
                _stay(supervisor)
            status = 0 if held else 1
        except Interrupted as interrupt:
            status = 0 if held else 128 + interrupt.number
        finally:
            ignore_signals()
            _end(screen, supervisor, afterwards)
    return status


def _perform(
    screen: Screen, options: Options, supervisor: Supervisor, interrupts: Interrupts, afterwards: ExitStack
) -> bool:
    _require_ports(options)
    screen.title("Recourse: 200 payments as durable sagas, a worker killed in mid-payment")
    screen.line()
    prepare.start_postgresql(screen, interrupts)
    prepare.prepare_database(screen, afterwards=afterwards)
    prepare.collect_static_files(screen)
    programs = Programs(
        supervisor=supervisor,
        web_port=options.port,
        simulators_port=options.simulators_port,
        bank_id=settlement_account(rail=RAIL, currency="EUR").pk,
    )
    programs.start()
    with screen.stage("Making log-ins") as tell:
        logins = ensure_logins()
        tell("Log-ins for an operator, an auditor and a client of the API")
    programs.wait_until_ready(screen)
    message = Message.for_a_new_run(directory=DIRECTORY)
    saga_ids = act.import_payments(screen, message)
    kill = act.kill_a_worker(screen, programs, saga_ids)
    act.watch_recovery(screen, programs, kill)
    act.replace_worker(screen, programs)
    act.await_end(screen, programs, saga_ids)
    with screen.stage("Ordering a payment over the API") as tell:
        ordered = api.pay(programs, logins)
        tell(f"Payment ordered over the API: {ordered.accepted_status}, then {ordered.state}")
    with screen.stage("Proving the books and the ledger") as tell:
        findings = find(saga_ids=saga_ids, kill=kill, book=programs.book)
        found = report.checks(findings, ordered)
        tell("Books and ledger proved, every figure below is a query")
    report.show(screen, findings, found)
    if not options.once:
        ways_in.show(screen, programs, logins)
    return all(check.held for check in found)


def _require_ports(options: Options) -> None:
    ports.require_free(
        ports.Port(number=options.port, option="--port", variable="RECOURSE_PORT", default=ports.WEB_DEFAULT),
        ports.Port(
            number=options.simulators_port,
            option="--simulators-port",
            variable="RECOURSE_SIMULATORS_PORT",
            default=ports.SIMULATORS_DEFAULT,
        ),
    )


def _stay(supervisor: Supervisor) -> None:
    """Until a signal, or until one of the programs ends by itself."""
    while True:
        supervisor.check()
        time.sleep(0.5)


def _end(screen: Screen, supervisor: Supervisor, afterwards: ExitStack) -> None:
    """Ends everything, even where nobody reads what we say any more (the terminal is gone)."""
    began = time.monotonic()
    with suppress(OSError):
        screen.title("Ending everything ...")
    supervisor.stop()
    afterwards.close()
    prepare.stop_postgresql()
    with suppress(OSError):
        screen.line(f"{time.monotonic() - began:5.1f} s  Everything has ended; the data stay in {shown(DATA_DIR)}")
