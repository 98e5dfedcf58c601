"""A risk curve from its resolvent: one contour integral for all times.

A risk P(t) = P_ss + sum over decaying modes, written as the inverse of its transform G along nu = u/(1 + u),
u = exp(s + i phi), phi = pi/5: on a uniform grid the trapezoidal rule converges like exp(-2 pi phi/h), whatever the
time, and the integrand decays at both ends. Discrete time has (1 + u)^-t = (1 - nu)^t, continuous time exp(-u t) with
nu = u. (With phi = pi/4 errors would be relative to the start: fast modes are undamped on the imaginary axis, which the
strip of analyticity then reaches. With pi/5 they are relative to P(t), however small.)

The spectrum bounds the strip of analyticity only between its ends. Beyond them the grid is stretched, s = w plus or
minus an exponential, and the integrand falls off double-exponentially: half as many nodes. (Not where exp(-u t) would
grow: above the spectrum in continuous time; and below it only for times up to some forty of the slowest mode's, after
which nothing is left of the transient.)

Source: trapezoidal rule for inverse Laplace transforms on sectorial contours; re-derived for the recurrence of SGD.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.special import lambertw

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

ANGLE = np.pi / 5
"""Between the contour and the spectrum: half the width of the strip of analyticity."""

_ORDER = 7
_SMALL, _GONE = 0.04, 45.0
"""t |u| below which a polynomial of that many terms will do, t Re u above which nothing is left."""
_BLOCK = 32
"""Times worked on together, so that they stay in the cache."""


@dataclass(frozen=True, eq=False)
class Contour:
    """Nodes ``nu`` at which the transform is needed, and what turns it into a curve."""

    nu: Complex
    weights: Complex
    exponent: Complex
    """log(1 + u) in discrete, u in continuous time."""
    latest: float
    """The time after which the transient has died out, infinite if there may be modes slower than the contour sees."""
    error: float
    share: float
    """Of the total, what the sum gives at time 0: in continuous time the arc at infinity has the rest."""

    def curve(self, transform: Complex, times: Array, total: float) -> Array:
        """sum over nodes of Im[exp(-t exponent) * weights * transform], for each time; ``total`` is its value at 0.

        Fast nodes have decayed, slow ones enter through a few running sums that serve every time, and the forty or so
        between are summed. What the sum lacks of the total is a constant: modes slower than the contour sees.
        """
        t = np.asarray(times, dtype=float)
        late = np.maximum(t, 1e-300)
        first = np.searchsorted(np.abs(self.exponent), _SMALL / late)
        stop = np.maximum(np.searchsorted(self.exponent.real, _GONE / late), first)
        values = self.weights * transform
        powers = self.exponent ** np.arange(_ORDER)[:, None]  # of exp(-t u), the terms (-t u)^k/k!
        sums = np.zeros((_ORDER, len(values) + 1))
        np.cumsum((values * powers).imag, axis=1, out=sums[:, 1:])
        out = np.polynomial.polynomial.polyval(-t, sums[:, first] / _FACTORIALS[:, None], tensor=False)
        re, im, v_re, v_im = (
            np.ascontiguousarray(x) for x in (self.exponent.real, self.exponent.imag, values.real, values.imag)
        )
        order = np.argsort(t)
        for k in range(0, len(t), _BLOCK):
            some = order[k : k + _BLOCK]
            index = first[some, None] + np.arange((stop - first)[some].max())
            outside = index >= stop[some, None]
            index = np.minimum(index, len(values) - 1)
            phase = im[index] * t[some, None]
            part = np.cos(phase) * v_im[index] - np.sin(phase) * v_re[index]
            part *= np.exp(re[index] * -t[some, None])
            part[outside] = 0.0
            out[some] += part.sum(axis=1)
        if np.isfinite(self.latest):
            return np.where(t > self.latest, 0.0, out)
        slower = total - float(values.imag.sum()) / self.share
        return out + (slower if abs(slower) > 1e3 * self.error * abs(total) else 0.0)


_FACTORIALS = np.array([factorial(k) for k in range(_ORDER)], dtype=float)


def contour(
    slowest: float,
    error: float = 1e-12,
    continuous: bool = False,
    fastest: float = 1.0,
    gap: bool = True,
    earliest: float = 0.0,
) -> Contour:
    """The contour for decay rates from ``slowest`` up to ``fastest``, at the given relative error.

    ``gap`` says that there is nothing at all below ``slowest``; otherwise slower modes are taken as constant. No time
    but zero may be below ``earliest``.

    >>> c = contour(1e-3)
    >>> round(float(c.curve(1 / (0.01 - c.nu), np.array([100.0]), 1.0)[0] / 0.99**100), 9)
    1.0
    """
    h = 2 * np.pi * ANGLE / -np.log(error)
    wanted, span = -np.log(error), 12 - np.log(error)  # decades to fall, and slowest * t of the latest time
    low, high = np.log(slowest) - wanted, np.log(max(fastest, slowest)) + wanted
    bend_low = bend_high = np.inf
    if gap:
        bend_low = -(np.log(slowest) - np.log(span))
        low = -bend_low - _stretched(2 * wanted - np.log(span))
    if not continuous:
        last = np.log(max(1.0, min(fastest / max(1 - fastest, error), 1 / error)))  # fastest in u
        bend_high = last + np.log(16)
        high = bend_high + _stretched(wanted - np.log(16))
    if gap and earliest:  # without a gap the whole sum is needed, to be held against the total
        gone = 2 * _GONE / earliest
        high = min(high, np.log(gone if continuous or gone > 500 else np.expm1(gone)))
    w = np.arange(low, high + h, h)
    below, above = np.exp(-w - bend_low), np.exp(w - bend_high)
    u = np.exp(w - below + above + 1j * ANGLE)
    step = h / np.pi * (1 + below + above)
    latest = span / slowest if gap else np.inf
    if continuous:
        return Contour(u, step * u, u, latest, error, 1 - ANGLE / np.pi)
    nu = u / (1 + u)
    nu.imag = -(1 / (1 + u)).imag  # where nu is nearly one, the quotient's would be rounding
    return Contour(nu, step * u / (1 + u) ** 2, _log1p(u), latest, error, 1.0)


def earliest_of(times: Array) -> float:
    """The earliest time but zero; zero if there is none.

    >>> earliest_of(np.array([0.0, 3.0, 2.0]))
    2.0
    """
    later = times[times > 0]
    return float(later.min()) if len(later) else 0.0


def _stretched(distance: float) -> float:
    """The x with x + e^x = distance."""
    return distance - float(lambertw(np.exp(distance)).real)


def _log1p(u: Complex) -> Complex:
    """log(1 + u) without cancellation: numpy's complex log1p loses the real part of small arguments."""
    x, y = u.real, u.imag
    return 0.5 * np.log1p(x * (2 + x) + y * y) + 1j * np.arctan2(y, 1 + x)
