"""Learning-rate schedules: the factor on the rate as a function of the fraction of steps done.

Written as texts: ``constant``, ``power:P`` (decay (1 - n/N)^P), ``cosine``, ``wsd:W:D:P`` (linear warm-up over the
fraction W, stable, then decay (remaining/D)^P over the last fraction D; the last fields may be left out).

Source: decay and warm-up-stable-decay as in arXiv:2603.02069 and arXiv:2602.06797.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, inf, isfinite, pi, tan

from derivations.errors import PhaselawsError
from derivations.grammar import parse_real


class BadSchedule(PhaselawsError, ValueError):
    """A schedule that is not understood; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """``kind`` and its numbers; `factor` is what multiplies the rate."""

    kind: str
    numbers: tuple[float, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether the rate never changes."""
        return self.kind == "constant"

    def factor(self, fraction: float) -> float:
        """The factor on the rate after a fraction 0 <= n/N <= 1 of the steps.

        >>> schedule("wsd:0.1:0.5:1").factor(0.75)
        0.5
        """
        left = min(1.0, max(0.0, 1.0 - fraction))
        if self.kind == "power":
            return float(left ** self.numbers[0])
        if self.kind == "cosine":
            return 0.5 * (1 + cos(pi * (1 - left)))
        if self.kind == "wsd":
            warm, decay, power = self.numbers
            rise = min(1.0, fraction / warm) if warm else 1.0
            fall = min(1.0, left / decay) ** power if decay else 1.0
            return float(rise * fall)
        return 1.0

    def reach(self, fraction: float) -> tuple[float, float]:
        """How far the next bend is, and the fraction of a run over which the factor changes.

        >>> schedule("wsd:0.1:0.5:2").reach(0.75), schedule("wsd:0.1:0.5:2").reach(0.25)
        ((0.25, 0.125), (0.25, inf))
        """
        left = 1.0 - fraction
        warming = self.kind == "wsd" and fraction < self.numbers[0]
        if self.factor(fraction) < 1e-10 and not warming:  # nothing moves any more
            return left, inf
        if self.kind == "power":
            return left, left / max(1.0, self.numbers[0]) if self.numbers[0] else inf
        if self.kind == "cosine":
            return left, min(1.0, 2 / (pi**2 * tan(0.5 * pi * min(fraction, 1 - 1e-9)))) if fraction else 1.0
        if self.kind == "wsd":
            warm, decay, power = self.numbers
            if warming:
                return warm - fraction, fraction
            if left > decay:
                return left - decay, inf
            return left, left / max(1.0, power) if power else inf
        return inf, inf

    def __str__(self) -> str:
        return ":".join([self.kind, *(f"{x!r}".removesuffix(".0") for x in self.numbers)])


CONSTANT = Schedule("constant")
_FORMS = "constant, power:P, cosine, wsd:WARMUP:DECAY:P"
_DEFAULTS = {"constant": (), "cosine": (), "power": (1.0,), "wsd": (0.01, 0.2, 1.0)}


def schedule(text: str) -> Schedule:
    """Read a schedule.

    Raises
    ------
    BadSchedule : not one of the forms, or numbers out of range.

    >>> str(schedule("power:2")), schedule("wsd").numbers
    ('power:2', (0.01, 0.2, 1.0))
    """
    kind, *given = text.split(":")
    defaults = _DEFAULTS.get(kind)
    if defaults is None or len(given) > len(defaults):
        raise BadSchedule(f"expected a schedule as one of {_FORMS}, got {text[:60]!r}")
    try:
        numbers = tuple(parse_real(g) for g in given) + defaults[len(given) :]
    except ValueError:
        raise BadSchedule(f"expected a schedule as one of {_FORMS}, got {text[:60]!r}") from None
    fractions = numbers[:2] if kind == "wsd" else ()
    if not all(isfinite(x) and x >= 0 for x in numbers) or sum(fractions) > 1:
        raise BadSchedule(f"expected numbers >= 0 with warm-up and decay within one run, got {text[:60]!r}")
    return Schedule(kind, numbers)
