"""What is wrong with a file, said so that its author can find the line and mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from lxml import etree

SHOWN = 20  # problems that a refusal spells out; the rest are counted


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One reason to refuse a file: the line (1 is the first), the element it is about, what is wrong with it."""

    line: int
    path: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "the file"
        return f"{place}: {self.path}: {self.reason}" if self.path else f"{place}: {self.reason}"


def line_of(element: etree._Element) -> int:
    """The line that the element starts on; 0 if it was not read from a file."""
    return cast("int | None", element.sourceline) or 0  # the stubs take it for an ellipsis


class FileRefused(Exception):
    """The file is refused whole: nothing of it was stored, no payment was started, no money moved.

    Correct the lines named and send the file again; a corrected file may keep its MsgId because nothing was recorded.
    `problems` holds every problem in the order of the lines; the message shows the first 20 and counts the rest.
    """

    def __init__(self, *, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__(self._message())

    def _message(self) -> str:
        count = len(self.problems)
        head = f"The file is refused whole, nothing was started: {count} problem{'s' if count != 1 else ''}."
        lines = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if count > SHOWN:
            lines.append(f"  … and {count - SHOWN} more")
        return "\n".join([head, *lines])


def refuse(*, line: int, path: str = "", reason: str) -> FileRefused:
    """The refusal for a file whose first problem makes looking for others pointless."""
    return FileRefused(problems=[Problem(line=line, path=path, reason=reason)])
