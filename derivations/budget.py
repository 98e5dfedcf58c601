"""A time budget, kept by long loops that look at the clock.

The command line opens a budget; loops anywhere call `spend`, which raises once it is used up, and say in `known` what
they have found so far, which the error then carries. Without a budget both cost next to nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from derivations.errors import NotDecided


class OutOfTime(NotDecided, TimeoutError):
    """The time budget is used up; ``known`` says what had been found."""

    def __init__(self, seconds: float, known: dict[str, int]) -> None:
        said = ", ".join(f"{what} {count}" for what, count in known.items()) or "nothing yet"
        super().__init__(f"the time budget of {seconds:g} s is used up; known so far: {said}")
        self.known = known


@dataclass(slots=True)
class _Budget:
    seconds: float
    end: float
    known: dict[str, int] = field(default_factory=dict)


_open: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def time_budget(seconds: float | None) -> Iterator[None]:
    """Within the block, `spend` raises after so many seconds; None: never.

    Raises
    ------
    OutOfTime : by `spend`.

    >>> with time_budget(0):
    ...     known("pieces found", 3)
    ...     spend()
    Traceback (most recent call last):
    derivations.budget.OutOfTime: the time budget of 0 s is used up; known so far: pieces found 3
    """
    token = _open.set(None if seconds is None else _Budget(seconds, time.monotonic() + seconds))
    try:
        yield
    finally:
        _open.reset(token)


def spend() -> None:
    """Raise `OutOfTime` if the budget is used up."""
    budget = _open.get()
    if budget is not None and time.monotonic() >= budget.end:
        raise OutOfTime(budget.seconds, budget.known)


def known(what: str, count: int) -> None:
    """Remember how many of something are found; the last count stands."""
    budget = _open.get()
    if budget is not None:
        budget.known[what] = count


def forget() -> None:
    """Something new begins: what was remembered is of no use to it."""
    budget = _open.get()
    if budget is not None:
        budget.known.clear()


def left(most: float) -> float:
    """Seconds until the budget is used up, at most so many."""
    budget = _open.get()
    return most if budget is None else max(0.0, min(most, budget.end - time.monotonic()))
