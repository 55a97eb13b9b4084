"""How a demo ends early: with a sentence that says what happened and what to do."""


class DemoFailed(Exception):
    """The demo cannot go on; the message says why and what to do."""


class PortRefused(DemoFailed):
    """The ports as given cannot be used; nothing was started."""


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
