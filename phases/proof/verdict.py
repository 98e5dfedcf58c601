"""What a decision can say: `Proved`, `Refuted` with a point to substitute, or `Undecided` with the reason.

A verdict is never a bare truth value: using one as such is an error, so that "undecided" cannot pass for "refuted".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from derivations.algebra import Point


class _NoTruthValue:
    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has no truth value: match on Proved, Refuted, Undecided")


@dataclass(frozen=True, slots=True)
class Proved(_NoTruthValue):
    """The statement holds; ``certificate`` is what a checker needs to confirm it."""

    certificate: Any


@dataclass(frozen=True, slots=True)
class Refuted(_NoTruthValue):
    """The statement fails at ``witness``, an exact rational point; ``statement`` says what fails there.

    Without a witness it is evidence that fails (an identity that does not hold, a claim that is not shown): what it was
    meant to prove may be true or not.
    """

    witness: Point | None
    statement: str


@dataclass(frozen=True, slots=True)
class Undecided(_NoTruthValue):
    """The statement was not decided within the bounds."""

    reason: str


Verdict: TypeAlias = Proved | Refuted | Undecided
