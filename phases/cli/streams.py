"""Standard output that takes any text and fails in one sentence.

What a terminal would obey is written as an escape, what the encoding lacks too. A reader that has gone (``| head -1``)
is no failure: nothing more is shown, and the exit code still tells.
"""

from __future__ import annotations

import io
import os
import re
import sys

from phases.output import CannotWrite

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and those that turn or break lines of text; tab and end of line are let through."""


def plain_text(text: str) -> str:
    r"""The text with whatever a terminal would obey written as an escape.

    >>> plain_text("a\x1b[2J\tb")
    'a\\x1b[2J\tb'
    """
    return _OBEYED.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)


def sentence(error: object) -> str:
    """An error's message on one line."""
    return plain_text(" ".join(str(error).split()))


class Output(io.TextIOWrapper):
    """A text stream over the bytes of standard output.

    Raises (when written to or flushed)
    -----------------------------------
    phases.output.CannotWrite : the device takes no more.
    """

    def write(self, text: str) -> int:
        """Write it, made plain."""
        try:
            super().write(plain_text(text))
        except OSError as error:
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        """Hand everything on."""
        try:
            super().flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise CannotWrite(f"cannot write to standard output: {(error.strerror or str(error)).lower()}") from None


def own_output() -> None:
    """Put an `Output` in the place of standard output, if there is one."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Output):
        encoding, lines = stream.encoding, stream.line_buffering
        sys.stdout = Output(stream.detach(), encoding=encoding, errors="backslashreplace", line_buffering=lines)
