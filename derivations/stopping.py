"""Ctrl-C, SIGTERM and SIGHUP end a command in one way: an exception that unwinds, and nothing half-written stays.

A handler that raises can be lost: Python drops exceptions in destructors and callbacks from C, and some libraries
catch everything. So the handler comes back every tenth of a second until its exception is seen to unwind; while that
lasts, neither it nor a second Ctrl-C disturbs the cleaning up. What must not be cut in two is wrapped in `held`; what
must not stay is named in `unfinished`, and removed at the end even if the unwinding was cut short.

Imported before everything else, so it imports next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

PATIENCE = 10.0
"""Seconds that cleaning up may take before the process ends as it is."""
_AGAIN = 0.1
_WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal hung up"}


class Stopped(KeyboardInterrupt):
    """One of the three signals; the message says which."""

    def __init__(self, number: int) -> None:
        super().__init__(_WORDS[signal.Signals(number).name])
        self.exit_code = 128 + number


class _State:
    first: int | None = None
    """The signal that ends the command."""
    since = 0.0
    held = 0
    unfinished: dict[object, Callable[[], None]] = {}  # noqa: RUF012


def heed() -> None:
    """From now on the three signals raise `Stopped` in the main thread (those that the parent ignores stay ignored)."""
    for name in _WORDS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _arrived)
    sys.unraisablehook = _lost


def _lost(dropped: sys.UnraisableHookArgs) -> None:
    """A lost `Stopped` comes back and is no news; anything else is shown as ever."""
    if not isinstance(dropped.exc_value, Stopped):
        sys.__unraisablehook__(dropped)


def ignore() -> None:
    """From now on they change nothing: the command has ended."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    for name in _WORDS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _arrived(number: int, frame: FrameType | None) -> None:
    if _State.first is None:
        _State.first, _State.since = number, time.monotonic()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, _arrived)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
    elif time.monotonic() - _State.since > PATIENCE:
        end(Stopped(_State.first))
    if not _State.held and not _unwinding():
        raise Stopped(_State.first)


def check() -> None:
    """Raise `Stopped` if one of the signals has arrived, even if its exception was lost."""
    if _State.first is not None:
        raise Stopped(_State.first)


def _unwinding() -> bool:
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, Stopped):
            return True
        error = error.__context__
    return False


def end(stopped: Stopped) -> None:
    """Clean up and end the process at once."""
    ignore()
    say(stopped)
    clean()
    os._exit(stopped.exit_code)


def say(error: KeyboardInterrupt) -> None:
    """The one line on stderr."""
    os.write(2, f"phases: {error or 'interrupted'}\n".encode())


def clean() -> None:
    """Remove what is unfinished."""
    while _State.unfinished:
        _State.unfinished.popitem()[1]()


class held:
    """A block that is not cut in two: a signal waits until it is left.

    >>> with held():
    ...     pass
    """

    def __enter__(self) -> None:
        _State.held += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _State.held -= 1
        if _State.first is not None and not _State.held and error is None and not _unwinding():
            raise Stopped(_State.first)


def unfinished(key: object, remove: Callable[[], None]) -> None:
    """Something that must not stay if the command is stopped now; called in the same `held` block that makes it."""
    _State.unfinished[key] = remove


def finished(key: object) -> None:
    """It may stay, or is gone."""
    _State.unfinished.pop(key, None)
