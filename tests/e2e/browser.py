"""A real Chromium, spoken to over its DevTools pipe: no driver, no socket, no library."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

BINARY = shutil.which("chromium") or shutil.which("google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# DevTools reads its descriptor 3 and writes to its descriptor 4.
_LAUNCH = """
import os, sys
commands, answers = map(int, sys.argv[1:3])
os.dup2(commands, 103), os.dup2(answers, 104)
os.dup2(103, 3), os.dup2(104, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One tab. What its pages did wrong is collected in `problems`."""

    def __init__(self, *, to: int, answers: int) -> None:
        self._to, self._from = to, answers
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._loaded = 0
        self.problems: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read(until=time.monotonic() + 60)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def visit(self, url: str) -> None:
        """Open the page and wait until it, its styles and its scripts are there."""
        before = self._loaded
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + 60
        while self._loaded == before:
            self._read(until=deadline)

    def evaluate(self, script: str) -> Any:
        """The value of a script in the page; DevTools' own scripts stand above the page's policy."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def _read(self, *, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            readable, _, _ = select([self._from], [], [], max(until - time.monotonic(), 0))
            assert readable, "the browser did not answer in time"
            chunk = os.read(self._from, 65536)
            assert chunk, "the browser has ended"
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._observe(message.get("method", ""), message.get("params", {}))
        return message

    def _observe(self, method: str, told: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            entry = told["entry"]
            self.problems.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {told['exceptionDetails']['text']}")
        elif method == "Audits.issueAdded" and told["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.problems.append(f"policy: {told['issue']['details']['contentSecurityPolicyIssueDetails']}")


@contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own and end it afterwards."""
    assert BINARY is not None
    to_read, to_write = os.pipe()
    answers_read, answers_write = os.pipe()
    command = [sys.executable, "-c", _LAUNCH, str(to_read), str(answers_write), BINARY, *_FLAGS]
    process = subprocess.Popen(
        [*command, f"--user-data-dir={profile}"], pass_fds=(to_read, answers_write), stderr=subprocess.DEVNULL
    )
    os.close(to_read)
    os.close(answers_write)
    try:
        yield Browser(to=to_write, answers=answers_read)
    finally:
        process.kill()
        process.wait()
        os.close(to_write)
        os.close(answers_read)
