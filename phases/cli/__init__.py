"""The command line: `main` and, in `phases.cli.commands`, what it runs.

This module is imported first and imports nothing itself, so that Ctrl-C is heeded before the slow imports begin.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    Without arguments the process is the command's own (``sys.argv`` is read): Ctrl-C, SIGTERM and SIGHUP end it with
    one line and exit code 130, 143 and 129, and standard output takes any text. With arguments nothing of the kind is
    changed, only Ctrl-C is answered by 130.
    """
    from derivations import stopping

    try:
        if argv is None:
            stopping.heed()
            from phases.cli.streams import own_output

            own_output()
        from phases.cli.commands import run

        code = run(sys.argv[1:] if argv is None else argv)
        stopping.check()
    except KeyboardInterrupt as error:
        code = getattr(error, "exit_code", 130)
        if argv is None:
            stopping.ignore()
        stopping.clean()
        stopping.say(error)
        return code
    if argv is None:
        stopping.ignore()
    return code
