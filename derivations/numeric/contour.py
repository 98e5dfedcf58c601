"""A risk curve from its resolvent: one contour integral for all times.

A risk P(t) = P_ss + sum over decaying modes, written as the inverse of its transform G along nu = u/(1 + u),
u = exp(s + i pi/4): on a uniform grid in s the trapezoidal rule converges like exp(-4.93/h), whatever the time, and the
integrand decays at both ends. Discrete time has (1 + u)^-t = (1 - nu)^t, continuous time exp(-u t) with nu = u.

Source: trapezoidal rule for inverse Laplace transforms on sectorial contours; re-derived for the recurrence of SGD.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

RATE_OF_CONVERGENCE = np.pi**2 / 2
"""The strip of analyticity about the contour has half-width pi/4: error exp(-2 pi (pi/4)/h)."""

_SMALL, _GONE = 1e-4, 45.0
"""t |u| below which a quadratic will do, t Re u above which nothing is left."""
_BLOCK = 32
"""Times worked on together, so that they stay in the cache."""


@dataclass(frozen=True, eq=False)
class Contour:
    """Nodes ``nu`` at which the transform is needed, and what turns it into a curve."""

    nu: Complex
    weights: Complex
    exponent: Complex
    """log(1 + u) in discrete, u in continuous time."""

    def curve(self, transform: Complex, times: Array) -> Array:
        """sum over nodes of Im[exp(-t exponent) * weights * transform], for each time.

        Fast nodes have decayed, slow ones enter through three running sums that serve every time, and the seventy or so
        between are summed.
        """
        t = np.asarray(times, dtype=float)
        late = np.maximum(t, 1e-300)
        first = np.searchsorted(np.abs(self.exponent), _SMALL / late)
        stop = np.maximum(np.searchsorted(self.exponent.real, _GONE / late), first)
        values = self.weights * transform
        out, factor = np.zeros(len(t)), np.ones(len(t))
        moments = values
        for k in range(1, 4):  # 1 - t u + (t u)^2/2
            sums = np.concatenate([[0.0], np.cumsum(moments.imag)])
            out += factor * sums[first]
            moments = moments * self.exponent
            factor = factor * -t / k
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
        return out


def contour(slowest: float, error: float = 1e-12, continuous: bool = False, fastest: float = 1.0) -> Contour:
    """The contour for decay rates from ``slowest`` up to ``fastest``, at the given relative error.

    >>> c = contour(1e-3)
    >>> round(float(c.curve(1 / (0.01 - c.nu), np.array([100.0]))[0] / 0.99**100), 9)
    1.0
    """
    h = RATE_OF_CONVERGENCE / -np.log(error)
    low = np.log(slowest * error)
    high = np.log(max(fastest, slowest)) - np.log(error) / (1 if continuous else 2)
    s = np.arange(low, high + h, h)
    u = np.exp(s + 0.25j * np.pi)
    if continuous:
        return Contour(u, h / np.pi * u, u)
    return Contour(u / (1 + u), h / np.pi * u / (1 + u) ** 2, _log1p(u))


def _log1p(u: Complex) -> Complex:
    """log(1 + u) without cancellation: numpy's complex log1p loses the real part of small arguments."""
    x, y = u.real, u.imag
    return 0.5 * np.log1p(x * (2 + x) + y * y) + 1j * np.arctan2(y, 1 + x)
