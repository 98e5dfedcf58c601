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

_BLOCK = 16
"""Times that share one cut of the nodes."""


@dataclass(frozen=True, eq=False)
class Contour:
    """Nodes ``nu`` at which the transform is needed, and what turns it into a curve."""

    nu: Complex
    weights: Complex
    exponent: Complex
    """log(1 + u) in discrete, u in continuous time."""

    def curve(self, transform: Complex, times: Array) -> Array:
        """sum over nodes of Im[exp(-t exponent) * weights * transform], for each time."""
        values = self.weights * transform
        order = np.argsort(times)[::-1]  # late times need few nodes: the others have decayed
        out = np.empty(len(times))
        re, im = self.exponent.real, self.exponent.imag
        last = np.searchsorted(re, 45.0 / np.maximum(times[order], 1e-300))
        for k in range(0, len(times), _BLOCK):
            some = order[k : k + _BLOCK]
            stop = int(last[k : k + _BLOCK].max())
            t = times[some, None]
            decay, phase = np.exp(-t * re[:stop]), t * im[:stop]
            cosine = np.cos(phase)
            cosine *= decay
            out[some] = cosine @ values.imag[:stop]
            np.sin(phase, out=phase)
            phase *= decay
            out[some] -= phase @ values.real[:stop]
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
