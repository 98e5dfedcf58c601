"""A law against the dynamics: predicted and fitted exponents, side by side.

The envelope of an engine (`derivations.numeric.envelope`) is traced to large compute; its slope, model-size exponent x*
and rate exponent e* are fitted with error bars, and each is held against the law's exact optimum at the point. A
quantity agrees within two error bars, unless those are too wide, and disagrees beyond four; else the referee cannot
tell. To the fit's error bar comes the law's own correction to scaling (`phases.corrections`), and on a wall, where laws
hold up to logarithms, one over the logarithm of compute: there the mode model goes as far as it can, so that this is
little enough to decide. A law agrees if its slope does and nothing disagrees.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.algebra import Point
from derivations.law import RiskLaw
from derivations.numeric.envelope import Envelope, Progress, envelope
from derivations.numeric.envelope_engines import dynamics
from derivations.numeric.fit import Fit, exponent
from derivations.numeric.regression import Array, BadProblem
from derivations.optimizers.lookup import optimizer_named
from phases.corrections import NoCorrection, corrections
from phases.phase_diagram import Phase, PhaseDiagram

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"
WINDOWS = 3
"""Windows of local slopes, four points and one shared each."""
WIDEST = 0.02
"""No value is close enough to agree if its error bar is above this."""
FARTHEST = 1e30
"""The largest compute that any engine is traced to."""
FINEST = 0.002
"""What the grids of the envelope resolve; no error bar is taken smaller."""


@dataclass(frozen=True)
class Comparison:
    """One quantity: predicted (an interval where the optimum is not unique), fitted.

    ``correction`` is how far the law's own exponent over the window of the fit is from its asymptotic one
    (`phases.corrections`): no fit there can be closer. It is None where that is not known, and then nothing is decided.
    """

    quantity: str
    predicted: tuple[Fraction, Fraction]
    fit: Fit | None
    correction: float | None = 0.0

    @property
    def error(self) -> float | None:
        """The error bar: of the fit, and the law's own correction to scaling; None where either is not known."""
        if self.fit is None or self.correction is None or not math.isfinite(self.fit.error):
            return None
        return max(self.fit.error, FINEST) + self.correction

    @property
    def verdict(self) -> str:
        """Agrees within two error bars of at most `WIDEST`, disagrees beyond four of any size; else cannot tell.

        >>> half = (Fraction(1, 2), Fraction(1, 2))
        >>> fits = ((0.505, 0.004), (0.55, 0.005), (0.52, 0.006), (0.6, 0.2), (0.9, 0.05))
        >>> [Comparison("slope", half, Fit(x, e, (1, 2))).verdict for x, e in fits]
        ['agrees', 'disagrees', 'cannot tell', 'cannot tell', 'disagrees']
        """
        error = self.error
        if self.fit is None or error is None:
            return CANNOT_TELL
        low, high = float(self.predicted[0]), float(self.predicted[1])
        distance = max(low - self.fit.value, self.fit.value - high, 0.0)
        if distance > 4 * error:
            return DISAGREES
        return AGREES if distance <= 2 * error and error <= WIDEST else CANNOT_TELL


@dataclass(frozen=True)
class Check:
    """A law checked at a point by one engine."""

    law: str
    optimizer: str
    engine: str
    model: str
    point: tuple[Fraction, Fraction]
    phases: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    envelopes: tuple[Envelope, ...]

    @property
    def verdict(self) -> str:
        """Disagrees if any quantity does, else that of the slope."""
        if any(c.verdict == DISAGREES for c in self.comparisons):
            return DISAGREES
        return self.comparisons[0].verdict

    def rows(self) -> list[dict[str, Any]]:
        """One JSON object a quantity, exact numbers as strings."""
        out = []
        for c in self.comparisons:
            low, high = (str(x) for x in c.predicted)
            out.append(
                {
                    "law": self.law,
                    "phase": list(self.phases),
                    "alpha": str(self.point[0]),
                    "beta": str(self.point[1]),
                    "engine": self.engine,
                    "model": self.model,
                    "quantity": c.quantity,
                    "predicted": low if low == high else [low, high],
                    "fitted": None if c.fit is None else c.fit.value,
                    "error": c.error,
                    "window": None if c.fit is None else list(c.fit.window),
                    "verdict": c.verdict,
                }
            )
        return out


def worst(verdicts: Iterable[str]) -> str:
    """The verdict on several: disagrees if one does, agrees if all do."""
    found = set(verdicts)
    return DISAGREES if DISAGREES in found else AGREES if found == {AGREES} else CANNOT_TELL


def telling_point(law: RiskLaw, phase: Phase, window: tuple[float, float] = (1e20, 1e24)) -> Point:
    """Where in a phase a check can decide: the point nearest to its sample where the law's own corrections to scaling
    over a window of compute are small.

    >>> from phases.phase_diagram import diagram
    >>> found = diagram("paquette2024/sgd")
    >>> [telling_point(found.law, found.phase(name)) == found.phase(name).sample for name in ("Ia", "IVb")]
    [True, False]
    """

    def blur(point: Point) -> float:
        try:
            low, high = corrections(law, point, window)["slope"]
        except NoCorrection:
            return float("inf")
        return high - low

    alpha, beta = phase.sample
    about = [(k, m) for k in range(-2, 3) for m in range(-2, 5)]  # twentieths of alpha, fifths
    about.sort(key=lambda km: abs(km[0]) + abs(km[1]))
    points = [(alpha * Fraction(20 + k, 20), beta + Fraction(m, 5)) for k, m in about]
    blurs: dict[Point, float] = {}
    for point in (p for p in points if phase.region.contains(p)):
        blurs[point] = blur(point)
        if blurs[point] <= WIDEST / 2:
            return point
    return min(blurs, key=lambda p: blurs[p])


def check(
    found: PhaseDiagram,
    alpha: Fraction,
    beta: Fraction,
    engine: str = "mode",
    largest: float | None = None,
    progress: Progress | None = None,
) -> Check:
    """Check a law at a point with one engine, up to compute ``largest``.

    By default that is what the engine is good for; for the mode model on a wall it is `FARTHEST`, as an error of one
    over the logarithm of compute decides nothing before.

    Raises
    ------
    BadProblem : the law names no optimizer (a law file does in ``[law] derived``), an engine that cannot run it, or
        ``largest`` out of range.
    phases.phase_diagram.OutsideDomain : the point is outside the law's domain.
    """
    law = found.law
    name = law.name if law.name.startswith("derived/") else law.derived
    if not name:
        raise BadProblem(
            f"expected a law that names its optimizer as derived = 'derived/...' in [law], {law.name} has none"
        )
    optimizer = optimizer_named(name)
    located = found.at(alpha, beta)
    optimum = located.optimum
    replicas, default = dynamics(engine, optimizer, alpha, beta)
    on_wall = len(located.phases) > 1
    if largest is None:
        largest = FARTHEST if on_wall and engine == "mode" else default
    if not 1e4 <= largest <= FARTHEST:
        raise BadProblem(f"expected a largest compute between 1e4 and 1e30, got {largest:g}")
    compute = np.geomspace(largest**0.5, largest, 4 * WINDOWS + 1)
    traced = []
    for k, one in enumerate(replicas):
        part = None if progress is None else _part(progress, k, len(replicas))
        traced.append(envelope(one, compute, part))
    slope = _exponent([(t.compute, 1 / t.risk) for t in traced])
    size = _exponent([(t.compute, t.size) for t in traced])
    fits: dict[str, tuple[tuple[object, object] | None, Fit | None]] = {
        "slope": ((optimum.slope, optimum.slope), slope),
        "model_exponent": (optimum.model, size),
        "rate_exponent": (optimum.rate, None),
    }
    if optimum.rate is not None:
        fits["rate_exponent"] = optimum.rate, _rate_exponent(traced, size)
    window = slope.window if slope is not None else (float(compute[-5]), float(compute[-1]))
    own: dict[str, tuple[float, float]] | None
    try:
        own = corrections(law, (alpha, beta), window)
    except NoCorrection:
        own = None
    comparisons = []
    for quantity, (predicted, fit) in fits.items():
        exact = None if predicted is None else _finite(predicted)
        if exact is not None:
            correction = None if own is None else 0.0
            if own is not None and quantity in own:
                low, high = own[quantity]
                correction = max(float(exact[0]) - low, high - float(exact[1]), 0.0)
            if on_wall and correction is not None:  # there laws hold up to logarithms
                scale = float(traced[0].size[-1]) if quantity == "rate_exponent" else window[1]
                correction += 1 / max(1.0, float(np.log(scale)))
            comparisons.append(Comparison(quantity, exact, fit, correction))
    names = tuple(p.name for p in located.phases)
    return Check(
        law.name, optimizer.name, engine, replicas[0].model, (alpha, beta), names, tuple(comparisons), tuple(traced)
    )


def _part(progress: Progress, k: int, count: int) -> Progress:
    return lambda fraction: progress((k + fraction) / count)


def _exponent(curves: list[tuple[Array, Array]]) -> Fit | None:
    """The fit of each replica, averaged; their scatter is part of the error bar. None with too few points."""
    fits = [exponent(x, y, WINDOWS) for x, y in curves if len(x) >= 3 * WINDOWS]
    if len(fits) < len(curves):
        return None
    values = np.array([f.value for f in fits])
    error = float(np.mean([f.error for f in fits]))
    if len(fits) > 1:
        error = max(error, float(np.std(values, ddof=1)))
    return Fit(float(values.mean()), error, fits[0].window)


def _finite(pair: tuple[object, object]) -> tuple[Fraction, Fraction] | None:
    low, high = pair
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return low, high
    return None


def _rate_exponent(traced: list[Envelope], size: Fit | None) -> Fit | None:
    """e* = d log(1/gamma)/d log M; None unless the best size clearly grows."""
    if size is None or size.value <= 2 * size.error or not all((np.diff(t.size) > 0).all() for t in traced):
        return None
    found = _exponent([(t.size, 1 / t.rate) for t in traced])
    return None if found is None else replace(found, window=size.window)
