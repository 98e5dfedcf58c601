"""Progress of long work on stderr, with the time left."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO


def duration(seconds: float) -> str:
    """A duration as people say it.

    >>> duration(4.2), duration(95), duration(7300)
    ('5 s', '2 min', '2.0 h')
    """
    if seconds < 60:
        return f"{int(seconds) + 1} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def waiting(line: str) -> None:
    """Say on stderr that one waits, and for what: always, for silence would look like work."""
    print(f"phases: {line}", file=sys.stderr, flush=True)


class Progress:
    """Called with the fraction done and a remark; writes one line, overwritten in place on a terminal.

    Silent where stderr is no terminal, unless PHASES_PROGRESS is set (then a line at most every two seconds).
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self.what = what
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self.shown = self.terminal or bool(os.environ.get("PHASES_PROGRESS"))
        self.start, self.first = time.monotonic(), 0.0
        self.last = -1e9
        self.width = 0

    def begin(self, fraction: float) -> None:
        """What had been done before: the time left is judged by what is done from here on."""
        self.start, self.first = time.monotonic(), fraction

    def __call__(self, fraction: float, remark: str = "") -> None:
        """Show it, unless the last line is recent."""
        now = time.monotonic()
        if not self.shown or (now - self.last < (0.1 if self.terminal else 2.0) and fraction < 1):
            return
        self.last = now
        done = fraction - self.first
        left = (now - self.start) * (1 - fraction) / done if done > 0 else None
        tail = "" if left is None or fraction >= 1 else f", {duration(left)} left"
        self._write(f"{self.what}: {100 * fraction:.0f} %{remark and ', ' + remark}{tail}")

    def end(self) -> None:
        """Leave the line."""
        if self.shown and self.terminal and self.width:
            self.stream.write("\n")
            self.width = 0

    def _write(self, line: str) -> None:
        if self.terminal:
            self.stream.write("\r" + line.ljust(self.width))
            self.width = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()
