"""How a demo ends early: with a sentence that says what happened and what to do."""


class DemoFailed(Exception):
    """The demo cannot go on; the message says why and what to do."""


class PortInUse(DemoFailed):
    """Somebody else listens on a port that the demo needs."""

    def __init__(self, *, port: int, option: str, variable: str) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is in use. End what uses it, or choose another port: "
            f'manage.py demo {option} {port + 1} (make demo ARGS="{option} {port + 1}"), or set {variable}.'
        )


class ChildEnded(DemoFailed):
    """A program that the demo started has ended although nobody asked it to."""

    def __init__(self, *, name: str, how: str, log: str, log_tail: str) -> None:
        super().__init__(f"{name} ended by itself: {how}. The end of its log ({log}):\n{log_tail}")


class DemoRunsAlready(DemoFailed):
    """Another demo uses the data directory."""

    def __init__(self, *, directory: str) -> None:
        super().__init__(
            f"Another demo is running on {directory}. End it with Ctrl-C, or give this one a directory of its own: "
            "RECOURSE_DATA_DIR=... make demo"
        )
