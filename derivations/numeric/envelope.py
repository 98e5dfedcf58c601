"""The compute-optimal envelope of any engine: at each compute f, the best model size and learning rate.

First a grid of M and of learning rates, factors of two apart. An engine that integrates many (M, rate, N) at once is
then searched continuously: for each f and each M near the best, the rate by shrinking a bracket of five points, then M
on a finer grid by a parabola. (A parabola in the rate would not do: where the bias vanishes in finite time the optimum
is a cusp.) The others are refined by polynomials through the grid alone, which scatter from one f to the next: error
bars show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.polynomial import polynomial

from derivations.budget import spend
from derivations.numeric.regression import Array, BadProblem

Progress = Callable[[float], None]
"""Told the fraction of the work that is done."""


class Dynamics(Protocol):
    """An engine at one (alpha, beta)."""

    @property
    def model(self) -> str:
        """What is solved."""

    def sizes(self, largest: float) -> Array:
        """Model sizes to search up to compute ``largest``, increasing."""

    def rates(self, M: float, longest: float) -> Array:
        """Learning rates to search, decreasing smoothly, or the one rate of the optimizer."""

    def curves(self, M: float, rates: Array, steps: Array) -> Array:
        """Risks of shape (rates, steps); infinite where the rate is unstable."""


class ManyAtOnce(Dynamics, Protocol):
    """An engine that can also answer for many triples (M, rate, N) together."""

    def each(self, sizes: Array, rates: Array, steps: Array) -> Array:
        """Risks, of the shape of the three arrays."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """The best risk at each compute f, with the model size and learning rate that reach it."""

    compute: Array
    risk: Array
    size: Array
    rate: Array


def envelope(dynamics: Dynamics, compute: Array, progress: Progress | None = None) -> Envelope:
    """The envelope at the given values of f, increasing.

    Raises
    ------
    BadProblem : no model size of the engine fits into any f.

    >>> from fractions import Fraction
    >>> from derivations.numeric.mode_model import ModeDynamics
    >>> from derivations.optimizers import registered
    >>> found = envelope(ModeDynamics(registered()["sgd"], Fraction(1), Fraction(1, 4)), np.array([1e6, 1e9, 1e12]))
    >>> bool((np.diff(found.risk) < 0).all())
    True
    """
    sizes = dynamics.sizes(float(compute[-1]))
    best = np.full((len(sizes), len(compute)), np.inf)
    best_rate = np.full_like(best, np.nan)
    for k, M in enumerate(sizes):
        spend()
        usable = np.flatnonzero(compute / M >= 4)
        if len(usable):
            steps = compute[usable] / M
            rates = dynamics.rates(float(M), float(steps[-1]))
            best[k, usable], best_rate[k, usable] = _minimum(np.log(rates), dynamics.curves(float(M), rates, steps))
        if progress is not None:
            progress((k + 1) / len(sizes) * (0.5 if hasattr(dynamics, "each") else 1.0))
    each = getattr(dynamics, "each", None)
    inside = np.isfinite(best).any(axis=0)
    if each is None:  # an optimum at the end of the engine's range of sizes is not one
        k = np.argmin(best, axis=0)
        inside &= (k > 0) & (k < len(sizes) - 1)
    found = np.flatnonzero(inside)
    if not len(found):
        raise BadProblem("expected an optimal model size within the engine's range, it has none for this compute")
    log_risk, at = _minimum(np.log(sizes), np.exp(best[:, found]))
    rate = np.empty(len(found))
    for k, i in enumerate(found):  # at the refined size, by linear interpolation between neighbouring sizes
        fine = np.isfinite(best[:, i])
        rate[k] = np.interp(at[k], np.log(sizes)[fine], best_rate[fine, i])
    out = Envelope(compute[found], np.exp(log_risk), np.exp(at), np.exp(rate))
    if each is None:
        return out
    longest = float(compute[-1] / sizes[0])
    if len(dynamics.rates(float(sizes[0]), longest)) > 1:
        return _polished(each, out, None, progress)
    return _polished(each, out, lambda M: float(np.log(dynamics.rates(M, longest)[0])), progress)


def _polished(
    each: Callable[..., Array], start: Envelope, fixed: Callable[[float], float] | None, progress: Progress | None
) -> Envelope:
    """The envelope with M and rate optimised continuously; ``fixed`` gives the log rate of M if it is not free.

    A narrow search, and where the optimum lies at its edge a wide one first.
    """
    log_size, log_rate = np.log(start.size), np.log(start.rate)
    tilt, wide = np.zeros_like(log_size), False  # tilt: d log(best rate)/d log M
    for turn in range(8):
        spend()
        offsets = np.linspace(-1, 1, 5) * np.log(2.0) / (1 if wide else 3)
        sizes = np.maximum(1.0, np.round(np.exp(log_size[:, None] + offsets)))
        steps = start.compute[:, None] / sizes
        if fixed is None:
            centre, reach = log_rate[:, None] + tilt[:, None] * offsets, np.log(16.0 if wide else 2**0.5)
        else:
            centre, reach = np.vectorize(fixed, otypes=[float])(sizes), 0.0
        risks, rates = _best_rates(each, sizes, steps, centre, reach, 7 if wide else 6)
        k = np.argmin(risks, axis=1)
        log_risk, rate_there, centre_there = (
            np.take_along_axis(x, k[:, None], 1)[:, 0] for x in (risks, rates, centre)
        )
        log_size, log_rate = np.log(np.take_along_axis(sizes, k[:, None], 1)[:, 0]), rate_there
        at_edge = ((k == 0) & (sizes[:, 0] > 1)) | (k == len(offsets) - 1)
        at_edge |= np.abs(rate_there - centre_there) > 0.9 * reach if reach else False
        if progress is not None:
            progress(0.5 + 0.06 * (turn + 1))
        last = turn >= 5
        if not wide and (last or not at_edge.any()):
            break
        if wide:
            tilt = polynomial.polyfit(offsets, (rates - rates[:, 2:3]).T, 1)[1]
        wide = not last and bool(at_edge.any())
    inside = (k > 0) & (k < len(offsets) - 1)
    for i in np.flatnonzero(inside):
        # a parabola through all five points: the integrator's own error is not resolved by three
        c = polynomial.polyfit(np.log(sizes[i]), risks[i], 2)
        if c[2] > 0:
            log_size[i] = np.clip(-c[1] / (2 * c[2]), np.log(sizes[i, 0]), np.log(sizes[i, -1]))
            log_risk[i] = polynomial.polyval(log_size[i], c)
            log_rate[i] = np.interp(log_size[i], np.log(sizes[i]), rates[i])
    return Envelope(start.compute, np.exp(log_risk), np.exp(log_size), np.exp(log_rate))


def _best_rates(
    each: Callable[..., Array], sizes: Array, steps: Array, centre: Array, reach: float, shrinks: int
) -> tuple[Array, Array]:
    """Smallest log risk over the rate for each (M, N), and the log rate there, by shrinking brackets."""
    points = np.linspace(-1, 1, 7)[1:-1] if reach else np.zeros(1)
    at, half = centre + 0 * sizes, reach
    for _ in range(shrinks if reach else 1):
        spend()
        tried = at[..., None] + half * points
        shape = tried.shape
        wide = [np.broadcast_to(x[..., None], shape).ravel() for x in (sizes, steps)]
        with np.errstate(divide="ignore"):
            risks = np.log(each(wide[0], np.exp(tried).ravel(), wide[1])).reshape(shape)
        k = np.argmin(risks, axis=-1)[..., None]
        at = np.take_along_axis(tried, k, -1)[..., 0]
        half /= 3
    return np.take_along_axis(risks, k, -1)[..., 0], at


def _minimum(grid: Array, table: Array) -> tuple[Array, Array]:
    """Minimum of each column of log table over the grid, refined by polynomials of the index through the five points
    nearest, or through three where there are no five: (log minimum, place)."""
    with np.errstate(divide="ignore"):
        values = np.log(table)
    k = np.argmin(values, axis=0)
    columns = np.arange(values.shape[1])
    lowest, place = values[k, columns].copy(), grid[k].astype(float)
    fine = np.linspace(-1, 1, 201)
    for i in columns:
        for reach in (2, 1):
            near = values[max(0, k[i] - reach) : k[i] + reach + 1, i]
            if k[i] >= reach and len(near) == 2 * reach + 1 and np.isfinite(near).all():
                index, around = np.arange(-reach, reach + 1), slice(k[i] - reach, k[i] + reach + 1)
                c = polynomial.polyfit(index, np.stack([near, grid[around]], axis=1), 2 * reach)
                curve, at = polynomial.polyval(fine, c)
                best = int(np.argmin(curve))
                lowest[i], place[i] = curve[best], at[best]
                break
    return lowest, place
