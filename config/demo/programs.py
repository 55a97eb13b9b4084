"""The programs of the demo: the simulated outside world, the web process, the workers."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from config import processes
from config.demo.errors import DemoFailed
from config.demo.files import DIRECTORY, shown
from config.demo.rail import RailBook
from config.demo.screen import Screen
from config.demo.supervisor import Child, Supervisor
from config.env import DATA_DIR

#: How long the simulated rail works on a transfer: long enough that a killed worker is in the middle of some.
RAIL_LATENCY_MS = 500
#: How long a dead worker keeps its sagas; production takes 30 s, so that a slow moment is not taken for death.
LEASE_SECONDS = 3
DEFAULT_LEASE_SECONDS = 30
SWEEP_SECONDS = 0.5
#: Sagas that a worker runs at once: few, so that 200 payments take long enough to watch.
ACTIVATIONS = 8
PATIENCE_SECONDS = 60


def environment(*, rail_url: str) -> Mapping[str, str]:
    """What the programs are told, over the environment that the demo itself was started in."""
    return {
        "RECOURSE_DATA_DIR": str(DATA_DIR),
        "RECOURSE_LEASE_SECONDS": str(LEASE_SECONDS),
        "RECOURSE_SWEEP_SECONDS": str(SWEEP_SECONDS),
        "RECOURSE_ACTIVATIONS": str(ACTIVATIONS),
        "INSTANT_RAIL_URL": rail_url,
        "PYTHONUNBUFFERED": "1",
    }


def rail_url(*, port: int) -> str:
    return f"http://{processes.HOST}:{port}/rail/instant/v1"


@dataclass
class Programs:
    """What runs. Starting returns at once; `wait_until_ready` waits for all."""

    supervisor: Supervisor
    web_port: int
    simulators_port: int
    bank_id: UUID
    workers: list[Child] = field(default_factory=list)
    _simulators: Child = field(init=False)
    _web: Child = field(init=False)
    _started_workers: int = field(default=0, init=False)

    @property
    def web_url(self) -> str:
        return f"http://{processes.HOST}:{self.web_port}"

    @property
    def book(self) -> RailBook:
        return RailBook(url=rail_url(port=self.simulators_port))

    def start(self) -> None:
        # The rail keeps its book in a directory named for the bank whose payments are in it: a new database is a new
        # bank, which an old book would know nothing of.
        directory = DIRECTORY / "rail" / str(self.bank_id)
        self._simulators = self.supervisor.start(
            "simulators",
            processes.simulators(port=self.simulators_port, book=directory, latency_ms=RAIL_LATENCY_MS),
        )
        self._web = self.supervisor.start("web", processes.web(port=self.web_port))
        self.start_worker()
        self.start_worker()

    def start_worker(self) -> Child:
        self._started_workers += 1
        name = f"worker{self._started_workers}"
        child = self.supervisor.start(name, processes.worker(name=name), ends_first=True)
        self.workers.append(child)
        return child

    def wait_until_ready(self, screen: Screen) -> None:
        with screen.stage("Starting the simulators") as tell:
            self._wait_for(self._simulators, self.book.is_up)
            tell(f"Simulated rail: {self.book.url}, {RAIL_LATENCY_MS / 1000:g} s each")
        with screen.stage("Starting the web process") as tell:
            self._wait_for(self._web, self._web_is_ready)
            tell(f"Web process: {self.web_url}")
        with screen.stage("Starting the workers") as tell:
            for worker in self.workers:
                self.wait_for_worker(worker)
            pids = ", ".join(f"{worker.name} (process {worker.pid})" for worker in self.workers)
            tell(f"Workers: {pids}")

    def wait_for_worker(self, worker: Child) -> None:
        self._wait_for(worker, lambda: worker.has_written(" ready."))

    def kill(self, worker: Child) -> None:
        """SIGKILL the worker and all that it started: no clean-up, no farewell."""
        self.workers.remove(worker)
        self.supervisor.kill(worker)

    def _web_is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.web_url}/readyz", timeout=10, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _wait_for(self, child: Child, is_ready: Callable[[], bool]) -> None:
        """`DemoFailed` with the end of its log when it is not ready in time; `ChildEnded` when any program ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_ready():
            self.supervisor.check()
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"{child.name} is not ready after {PATIENCE_SECONDS} s. The end of its log ({shown(child.log)}):\n"
                    + child.log_tail()
                )
            time.sleep(0.05)
