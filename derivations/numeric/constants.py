"""Leading constants of the risk terms, and the sizes at which one term overtakes another.

SGD at batch 1, gamma N large and below M^(2 alpha), without label noise. The constants come from two places: Mellin
transforms of the power sums (exact in `derivations.sums.leading_constant`), and the fixed point of the resolvent scale
kappa of power-law random features in the limit of infinite ambient dimension (alpha > 1/2).

Source: leading forms of arXiv:2405.15074 and its authors' public code; re-derived from the sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, gamma, log, pi, sin

from scipy.optimize import brentq
from scipy.special import zeta


class NoConstant(ValueError):
    """The theory gives no leading constant here: the sum is not dominated by its bulk, or the term is absent."""


def decaying_constant(a: float, alpha: float) -> float:
    """C in sum_j j^(-a) exp(-2 j^(-2 alpha) tau) ~ C * tau^(-(a - 1)/(2 alpha)), for a > 1 and tau large.

    >>> round(decaying_constant(2.0, 1.0), 6)
    0.626657
    """
    if a <= 1:
        raise NoConstant("expected a > 1: otherwise the sum is carried by its last mode, not by its bulk")
    s = (a - 1) / (2 * alpha)
    return float(gamma(s) / (2 * alpha) * 2**-s)


def resolvent_constant(alpha: float) -> float:
    """C in kappa ~ C * M^(-2 alpha), the scale at which modes are missed; alpha > 1/2, infinite ambient dimension.

    The fixed point sum_j lambda_j/(lambda_j + kappa) = M with lambda_j = j^(-2 alpha), its sum replaced by the integral
    kappa^(-1/(2 alpha)) * (pi/(2 alpha))/sin(pi/(2 alpha)).

    >>> round(resolvent_constant(1.0), 6)
    2.467401
    """
    if alpha <= 0.5:
        raise NoConstant("expected alpha > 1/2: otherwise kappa depends on the ambient dimension")
    u = pi / (2 * alpha)
    return float((u / sin(u)) ** (2 * alpha))


def floor_constant(alpha: float, beta: float) -> float:
    """C in F_0 ~ C * M^(-2 alpha + max(0, 1 - 2 beta)).

    F_0 = sum_j j^(-2 alpha - 2 beta) kappa/(kappa + j^(-2 alpha)); for 2 beta > 1 it is kappa * zeta(2 beta), for
    2 beta < 1 the integral over all modes.
    """
    k = resolvent_constant(alpha)
    if 2 * beta > 1:
        return float(k * zeta(2 * beta))
    s = (1 - 2 * beta) / (2 * alpha)
    if s >= 1 or beta <= 0.5 - alpha:
        raise NoConstant("expected alpha + beta > 1/2")
    return float(k ** (1 - s) * (pi / (2 * alpha)) / sin(pi * s))


def aligned_constant(alpha: float, beta: float) -> float:
    """C in F_pp ~ C * (gamma N)^(-(2 alpha + 2 beta - 1)/(2 alpha)), the factor (2 ...)^-s included."""
    if alpha + beta <= 0.5:
        raise NoConstant("expected alpha + beta > 1/2")
    return decaying_constant(2 * alpha + 2 * beta, alpha)


def distorted_constant(alpha: float, beta: float) -> float:
    """C in F_ac ~ C * M^(-1) (gamma N)^(-1 + 1/(2 alpha))."""
    if 2 * alpha <= 1 or 2 * beta <= 1:
        raise NoConstant("expected 2 alpha > 1 and 2 beta > 1: elsewhere other terms cover the distorted bias")
    return float(zeta(2 * beta)) * decaying_constant(2 * alpha, alpha)


def noise_constant(alpha: float, norm: float = 1.0) -> float:
    """C in K_pp ~ C * gamma (gamma N)^(-2 + 1/(2 alpha)), for a forcing integral int_0^oo L = norm."""
    if alpha <= 0.25:
        raise NoConstant("expected alpha > 1/4: otherwise the kernel is carried by its last mode")
    return norm * decaying_constant(4 * alpha, alpha)


def stationary_risk_constant(alpha: float) -> float:
    """C in L ~ C * gamma^2 M for signSGD's saturated noise, alpha > 1/2: (pi/4)^2 zeta(2 alpha).

    From sqrt(L) = (pi/4) gamma sum_i sqrt(K_ii) with K_ii = zeta(2 alpha)/M.
    """
    if alpha <= 0.5:
        raise NoConstant("expected alpha > 1/2: otherwise K_ii depends on the ambient dimension")
    return float((pi / 4) ** 2 * zeta(2 * alpha))


@dataclass(frozen=True, slots=True)
class Curve:
    """One term of SGD's risk with its leading constant, as a function of (M, N, gamma)."""

    name: str
    value: Callable[[float, float, float], float]


def sgd_curves(alpha: float, beta: float) -> tuple[Curve, ...]:
    """The terms of SGD's risk that have a leading constant at (alpha, beta), alpha > 1/2.

    >>> [c.name for c in sgd_curves(1.0, 1.0)]
    ['F_0', 'F_pp', 'F_ac', 'K_pp']
    """
    s = (2 * alpha + 2 * beta - 1) / (2 * alpha)
    u = 1 / (2 * alpha)
    floor, aligned, noise = floor_constant(alpha, beta), aligned_constant(alpha, beta), noise_constant(alpha)
    out = [
        Curve("F_0", lambda M, N, gamma: floor * M ** (-2 * alpha + max(0.0, 1 - 2 * beta))),
        Curve("F_pp", lambda M, N, gamma: aligned * (gamma * N) ** -s),
    ]
    if 2 * beta > 1:
        distorted = distorted_constant(alpha, beta)
        out.append(Curve("F_ac", lambda M, N, gamma: distorted / M * (gamma * N) ** (u - 1)))
    out.append(Curve("K_pp", lambda M, N, gamma: noise * gamma * (gamma * N) ** (u - 2)))
    return tuple(out)


def crossover(first: Curve, second: Curve, M: float, gamma: float = 1.0, largest: float = 1e30) -> float | None:
    """The number of steps N at which one term overtakes the other, or None if neither does before ``largest``.

    >>> f0, fpp, *_ = sgd_curves(1.0, 1.0)
    >>> 1e2 < crossover(f0, fpp, 1e3) < 1e6
    True
    """

    def difference(n: float) -> float:
        return log(first.value(M, exp(n), gamma)) - log(second.value(M, exp(n), gamma))

    low, high = 0.0, log(largest)
    if difference(low) * difference(high) > 0:
        return None
    return exp(float(brentq(difference, low, high)))
