"""How large the features of a random sketch are: means over sigma_i = sqrt(K_ii) for 2 alpha > 1, exactly.

With infinite ambient dimension K_ii = S_i/M, S = sum_j j^(-2 alpha) g_j^2 with independent standard normal g_j. S does
not concentrate: a few modes carry it. Its means are Laplace integrals of

    phi(s) = E exp(-s S) = prod_j (1 + 2 s j^(-2 alpha))^(-1/2),

E S^(k - 1/2) = pi^(-1/2) int_0^oo s^(-1/2) (-d/ds)^k phi ds; a factor g_i^2 gives phi one of 1/(1 + 2 s i^(-2 alpha)).
The product is taken directly over the first modes and by Euler and Maclaurin beyond; the integrals by the trapezium
rule in log s, whose error falls exponentially.

In a preconditioned drift the sketch's columns are scaled by sigma_i^(-1/2). A mode that is learned late is independent
of them, and its rate is lambda_j E[1/sigma]; modes learned early shaped sigma, which is why the target's squared norm
gets weights: `mixed_target` in what they leave in other modes, `slow_target` in the time they take.

Source: new; measured on sketches in tests/test_sigma.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import hyp2f1, zeta

from derivations.errors import PhaselawsError

LARGEST = 50.0
"""alpha up to which the integrals are taken: beyond, S is one squared normal and E S^(-1/2) grows with alpha."""
DIRECT = 60
"""Modes multiplied directly."""
STEP = 0.125
"""Of the trapezium rule in log s."""


def _tail(x: Any, alpha: float) -> tuple[Any, Any, Any]:
    """sum_(j >= DIRECT) of log(1 + y), y/(1 + y), (y/(1 + y))^2 with y = x j^(-2 alpha), by Euler and Maclaurin."""
    a, j = 2 * alpha, float(DIRECT)
    y = x * j**-a
    share = y / (1 + y)
    whole = j * y / (a - 1) * hyp2f1(1, 1 - 1 / a, 2 - 1 / a, -y)  # int of y/(1 + y)
    slope = -a * share * (1 - share)  # d share/d log j
    curve = -a * slope * (1 - 2 * share)
    # f', f''' in j from derivatives in log j, for f = log(1 + y) (f' = -a share), share, share^2
    logs = (a * whole - j * np.log1p(y), np.log1p(y), -a * share, -a * slope, -a * curve)
    third = -a * (curve * (1 - 2 * share) - 2 * slope**2)
    shares = (whole, share, slope, curve, third)
    both = j * y**2 / (2 * a - 1) * hyp2f1(2, 2 - 1 / a, 3 - 1 / a, -y)
    bend = 2 * (slope**2 + share * curve)
    squares = (both, share**2, 2 * share * slope, bend, 6 * slope * curve + 2 * share * third)

    def total(parts: tuple[Any, ...]) -> Any:
        integral, f, d1, d2, d3 = parts
        return integral + f / 2 - d1 / (12 * j) + (d3 - 3 * d2 + 2 * d1) / (720 * j**3)

    return total(logs), total(shares), total(squares)


class NoMean(PhaselawsError, ValueError):
    """S has no mean, or none that is computed here."""


@lru_cache(maxsize=64)
def _transform(alpha: float) -> tuple[Any, Any, Any, Any]:
    """On a grid of s, uniform in log s: s, phi, A, B with -phi' = A phi, phi'' = (A^2 + B) phi.

    Raises
    ------
    NoMean : alpha <= 1/2, where S is infinite, or alpha > 50.
    """
    if not 0.5 < alpha <= LARGEST:
        raise NoMean(f"expected 1/2 < alpha <= {LARGEST:g} for means over sigma, got {alpha:g}")
    a = 2 * alpha
    decay = 0.5 * np.pi / np.sin(np.pi / a)  # -log phi ~ decay (2 s)^(1/a)
    s = np.exp(np.arange(-90.0, a * np.log(80 / decay) + 8, STEP))
    x = 2 * s
    y = x[:, None] * np.arange(1.0, DIRECT) ** -a
    share = y / (1 + y)
    logs, shares, squares = _tail(x, alpha)
    phi = np.exp(-0.5 * (np.log1p(y).sum(axis=1) + logs))
    return s, phi, 0.5 * (share.sum(axis=1) + shares) / s, 0.5 * ((share**2).sum(axis=1) + squares) / s**2


def mean_power(alpha: float, k: int) -> float:
    """E S^(k - 1/2) for k = 0, 1, 2: times M^(1/2 - k) it is E sigma^(2 k - 1).

    >>> round(mean_power(1.0, 0) * float(zeta(2.0)) ** 0.5, 2)
    1.25
    """
    s, phi, first, second = _transform(alpha)
    part = {0: 1.0, 1: first, 2: first**2 + second}[k]
    return float((s**0.5 * phi * part).sum() * STEP / np.pi**0.5)


def _with_mode(alpha: float, i: Any) -> tuple[Any, Any]:
    """E[S^(-1/2) g_i^2] and E[S^(-1) g_i^2] for an array of modes i."""
    s, phi, _, _ = _transform(alpha)
    weighted = phi / (1 + 2 * s * np.asarray(i, dtype=float)[:, None] ** (-2 * alpha))
    return (weighted * s**0.5).sum(axis=1) * STEP / np.pi**0.5, (weighted * s).sum(axis=1) * STEP


def _modes(alpha: float) -> Any:
    """Modes whose weights are computed one by one: beyond, they differ from their limit by less than i^(-2 alpha)."""
    return np.arange(1.0, max(2, min(400, int(1e9 ** (0.5 / alpha)))) + 1)


def _target(alpha: float, beta: float, weights: Any, limit: float) -> float:
    """sum_i i^(-2 beta) weight_i for the weights of `_modes`; beyond, they approach the limit as i^(-2 alpha)."""
    i = np.arange(1.0, len(weights) + 1)
    amplitude = (weights[-1] - limit) * i[-1] ** (2 * alpha)
    rest = weights - limit - amplitude * i ** (-2 * alpha)
    return float(limit * zeta(2 * beta) + amplitude * zeta(2 * alpha + 2 * beta) + (rest * i ** (-2 * beta)).sum())


def mixed_target(alpha: float, beta: float) -> float:
    """sum_i i^(-2 beta) E[S^-1 g_i^2]/E[S^(-1/2) g_i^2]^2: zeta(2 beta) if S were constant."""
    root, inverse = _with_mode(alpha, _modes(alpha))
    far, far_inverse = _with_mode(alpha, [np.inf])
    return _target(alpha, beta, inverse / root**2, float(far_inverse[0] / far[0] ** 2))


def slow_target(alpha: float, beta: float) -> float:
    """sum_i i^(-2 beta) E[S^(-1/2)]/E[S^(-1/2) g_i^2]: zeta(2 beta) if S were constant."""
    root, _ = _with_mode(alpha, _modes(alpha))
    return _target(alpha, beta, mean_power(alpha, 0) / root, 1.0)
