"""A law against the dynamics: predicted and fitted exponents, side by side.

The envelope of the mode model (`derivations.numeric.mode_model`) is traced to large compute and its slope, model-size
exponent x* and rate exponent e* are fitted with error bars; each is held against the law's exact optimum at the point.
A quantity agrees within two error bars and disagrees beyond four; between, or where the error bar is too wide, the
referee cannot tell. A law agrees if its slope does and nothing disagrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from derivations.numeric.curve import optimizer_named
from derivations.numeric.fit import Fit, exponent
from derivations.numeric.mode_model import Envelope, envelope
from derivations.numeric.regression import BadProblem
from phases.phase_diagram import PhaseDiagram

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"
WIDEST = 0.03
"""An error bar above this decides nothing."""
FINEST = 0.002
"""What the grids of the envelope resolve; no error bar is taken smaller."""


@dataclass(frozen=True)
class Comparison:
    """One quantity: predicted (an interval where the optimum is not unique), fitted, verdict."""

    quantity: str
    predicted: tuple[Fraction, Fraction]
    fit: Fit | None
    verdict: str


@dataclass(frozen=True)
class Check:
    """A law checked at a point by one engine."""

    law: str
    optimizer: str
    engine: str
    point: tuple[Fraction, Fraction]
    phases: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    envelope: Envelope

    @property
    def verdict(self) -> str:
        """Disagrees if any quantity does, else that of the slope."""
        if any(c.verdict == DISAGREES for c in self.comparisons):
            return DISAGREES
        return self.comparisons[0].verdict


def judge(predicted: tuple[Fraction, Fraction], fit: Fit | None) -> str:
    """The verdict on one quantity.

    >>> half = (Fraction(1, 2), Fraction(1, 2))
    >>> [judge(half, Fit(x, e, (1, 2))) for x, e in ((0.505, 0.004), (0.55, 0.005), (0.52, 0.006), (0.6, 0.2))]
    ['agrees', 'disagrees', 'cannot tell', 'cannot tell']
    """
    if fit is None:
        return CANNOT_TELL
    error = max(fit.error, FINEST)
    low, high = float(predicted[0]), float(predicted[1])
    distance = max(low - fit.value, fit.value - high, 0.0)
    if error > WIDEST:
        return CANNOT_TELL
    return AGREES if distance <= 2 * error else DISAGREES if distance > 4 * error else CANNOT_TELL


def check(found: PhaseDiagram, alpha: Fraction, beta: Fraction, largest: float = 1e24) -> Check:
    """Check a law at a point with the mode model, up to compute ``largest``.

    Raises
    ------
    BadProblem : the law names no optimizer (a law file does in ``[law] derived``), or ``largest`` is out of range.
    phases.phase_diagram.OutsideDomain : the point is outside the law's domain.
    """
    law = found.law
    name = law.name if law.name.startswith("derived/") else law.derived
    if not name:
        raise BadProblem(
            f"expected a law that names its optimizer as derived = 'derived/...' in [law], {law.name} has none"
        )
    if not 1e8 <= largest <= 1e30:
        raise BadProblem(f"expected a largest compute between 1e8 and 1e30, got {largest:g}")
    optimizer = optimizer_named(name)
    located = found.at(alpha, beta)
    optimum = located.optimum
    traced = envelope(optimizer, alpha, beta, largest, per_decade=4)
    slope = exponent(traced.compute, 1 / traced.risk)
    size = exponent(traced.compute, traced.size)
    comparisons = [
        Comparison("slope", (optimum.slope, optimum.slope), slope, judge((optimum.slope, optimum.slope), slope)),
    ]
    model = _finite(optimum.model)
    if model is not None:
        comparisons.append(Comparison("model_exponent", model, size, judge(model, size)))
    rate = None if optimum.rate is None else _finite(optimum.rate)
    if rate is not None:
        fitted = _ratio(exponent(traced.compute, 1 / traced.rate), size)
        comparisons.append(Comparison("rate_exponent", rate, fitted, judge(rate, fitted)))
    names = tuple(p.name for p in located.phases)
    return Check(law.name, optimizer.name, "mode", (alpha, beta), names, tuple(comparisons), traced)


def _finite(pair: tuple[object, object]) -> tuple[Fraction, Fraction] | None:
    low, high = pair
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return low, high
    return None


def _ratio(over: Fit, under: Fit) -> Fit | None:
    """e* = d log(1/gamma)/d log M as a ratio of two slopes in log f."""
    if not np.isfinite(under.value) or abs(under.value) <= 2 * under.error:
        return None
    value = over.value / under.value
    error = abs(value) * (over.error / max(abs(over.value), 1e-12) + under.error / abs(under.value))
    return Fit(value, error, over.window)
