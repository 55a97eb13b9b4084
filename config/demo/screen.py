"""What the demo shows: one line per stage with its time, bars on a terminal, plain lines anywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str], None]
Advance = Callable[[int, int, str], None]

INDENT = " " * 9


class Screen:
    """Writes to standard output. Nothing moves where it is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        # Nothing of ours is markup, and a number is not more interesting for being one.
        self._console = console or Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._moves = self._console.is_terminal and not self._console.is_dumb_terminal

    def line(self, text: str = "", *, style: str = "") -> None:
        # soft_wrap: a long line is the terminal's to wrap, so that what is copied from it is whole.
        self._console.print(text, style=style, soft_wrap=True)

    def title(self, text: str) -> None:
        self.line()
        self.line(text, style="bold")

    def detail(self, text: str, *, style: str = "") -> None:
        """A line that belongs to the stage above."""
        self.line(f"{INDENT}{text}", style=style)

    @contextmanager
    def stage(self, doing: str) -> Iterator[Tell]:
        """Shows what is being done; at the end one line says what was done (as told) and how long it took."""
        with self._bar(f"{doing} ...", total=None) as _:
            began = time.monotonic()
            done = doing

            def tell(text: str) -> None:
                nonlocal done
                done = text

            yield tell
            seconds = time.monotonic() - began
        self._done(done, seconds)

    @contextmanager
    def progress(self, doing: str) -> Iterator[tuple[Advance, Tell]]:
        """As `stage`, with a bar: `advance(done, total, note)`."""
        with self._bar(doing, total=1) as bar:
            began = time.monotonic()
            done = doing

            def advance(count: int, total: int, note: str = "") -> None:
                bar.update(bar.task_ids[0], completed=count, total=total, note=note)

            def tell(text: str) -> None:
                nonlocal done
                done = text

            yield advance, tell
            seconds = time.monotonic() - began
        self._done(done, seconds)

    def _bar(self, text: str, *, total: int | None) -> Progress:
        columns = (
            (SpinnerColumn(), TextColumn("{task.description}"))
            if total is None
            else (
                TextColumn("      "),
                TextColumn("{task.description}"),
                BarColumn(bar_width=16),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}"),
            )
        )
        # Transient: the line that stays is the stage's. Disabled, it neither draws nor starts a thread.
        bar = Progress(*columns, console=self._console, transient=True, disable=not self._moves)
        bar.add_task(text, total=total, note="")
        return bar

    def _done(self, text: str, seconds: float) -> None:
        self.line(f"{seconds:5.1f} s  {text}")
