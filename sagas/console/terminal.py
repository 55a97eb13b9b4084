"""Prints for people at a terminal, and for files and pipes without cutting what does not fit."""

import sys
from datetime import datetime

from rich.console import Console
from rich.text import Text

#: Wide enough for a row of every table here, where no window sets the width.
_WIDE = 240


def console() -> Console:
    """Standard output: as wide as the window, or wide if there is none."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDE)


def plain(text: str) -> Text:
    """Text from the database as it stands: no markup, and nothing that a terminal would obey."""
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


def clipped(text: str, *, limit: int) -> Text:
    return plain(text if len(text) <= limit else f"{text[: limit - 1]}…")


def instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
