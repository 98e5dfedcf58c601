"""Exponents from curves, with honest error bars: local slopes and their extrapolation, not one log-log regression.

Local slopes are taken over windows of equal length in log x. Corrections to scaling, x^-omega, make them approach
their limit geometrically from window to window, which Aitken's transformation removes; where they do not approach
geometrically it is not used. The error bar is what is uncertain about that: the distance between the last local slope
and the extrapolated one, half the drift over the last three windows, and the scatter inside the last window.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from derivations.numeric.regression import Array, BadProblem

CLEARLY = 0.75
"""A drift that falls by this factor or more from window to window is extrapolated; a slower one would be magnified."""


@dataclass(frozen=True)
class Fit:
    """An exponent, its error bar, and the range of x of the last window."""

    value: float
    error: float
    window: tuple[float, float]


def exponent(x: Array, y: Array, windows: int = 4, noise: Array | None = None) -> Fit:
    """d log y/d log x for large x.

    Parameters
    ----------
    x, y : positive, shape (points,), x increasing; at least three points a window.
    noise : standard errors of log y, if y is sampled.

    Raises
    ------
    BadProblem : too few points, or values that are not positive and finite.

    >>> x = np.logspace(0, 12, 49)
    >>> fit = exponent(x, x**-0.5 * (1 + 3 * x**-0.2))
    >>> bool(abs(fit.value + 0.5) < fit.error < 0.05)
    True
    """
    if len(x) < 3 * windows:
        raise BadProblem(f"expected at least {3 * windows} points for a slope in {windows} windows, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all() and (y > 0).all()):
        raise BadProblem("expected positive, finite values to fit an exponent")
    u, v = np.log(x), np.log(y)
    edges = np.linspace(u[0], u[-1], windows + 1)
    slopes, scatter = [], []
    for low, high in pairwise(edges):
        inside = (u >= low - 1e-9) & (u <= high + 1e-9)
        a, b = u[inside], v[inside]
        coefficients, residual, *_ = np.polyfit(a, b, 1, full=True)
        slopes.append(float(coefficients[0]))
        freedom = max(1, inside.sum() - 2)
        spread = np.sqrt(float(residual[0]) / freedom) if len(residual) else 0.0
        if noise is not None:
            spread = max(spread, float(np.sqrt(np.mean(noise[inside] ** 2))))
        scatter.append(spread / (np.std(a) * np.sqrt(inside.sum())))
    one, two, three = slopes[-3:]
    first, second = two - one, three - two
    limit, drifting = three, abs(second)
    if first * second > 0 and abs(second) < CLEARLY * abs(first):
        limit = three + second * second / (first - second)
        drifting = abs(limit - three)
    error = max(drifting, scatter[-1], abs(three - one) / 2)
    return Fit(limit, float(error), (float(np.exp(edges[-2])), float(np.exp(edges[-1]))))
