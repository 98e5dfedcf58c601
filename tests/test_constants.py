"""Leading constants against high-precision sums: ratios tend to one."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations.algebra import ALPHA, BETA, terms
from derivations.numeric.constants import (
    NoConstant,
    aligned_constant,
    crossover,
    decaying_constant,
    distorted_constant,
    floor_constant,
    noise_constant,
    resolvent_constant,
    sgd_curves,
    stationary_risk_constant,
)
from derivations.sums import leading_constant

alphas = st.floats(0.7, 2.0)
betas = st.floats(0.6, 2.0)


def _sum(a: float, alpha: float, tau: float) -> float:
    """sum_j j^-a exp(-2 tau j^(-2 alpha)) over all j, by Euler-Maclaurin in 20 digits."""
    with mpmath.workdps(20):
        low = mpmath.fsum(
            mpmath.mpf(j) ** -a * mpmath.exp(-2 * tau * mpmath.mpf(j) ** (-2 * alpha)) for j in range(1, 60)
        )
        tail = mpmath.sumem(lambda j: j**-a * mpmath.exp(-2 * tau * j ** (-2 * alpha)), [60, mpmath.inf], tol=1e-8)
        return float(low + tail)


@pytest.mark.parametrize("alpha, beta", [(1.0, 1.0), (0.8, 0.7), (1.5, 0.3)])
def test_bias_and_noise_constants_are_limits_of_sums(alpha: float, beta: float) -> None:
    s, u = (2 * alpha + 2 * beta - 1) / (2 * alpha), 1 / (2 * alpha)
    tau = 400.0 ** (2 * alpha)
    assert _sum(2 * alpha + 2 * beta, alpha, tau) == pytest.approx(aligned_constant(alpha, beta) * tau**-s, rel=1e-4)
    assert _sum(4 * alpha, alpha, tau) == pytest.approx(noise_constant(alpha) * tau ** (u - 2), rel=1e-4)
    if beta > 0.5:
        weight = float(mpmath.zeta(2 * beta))
        expected = distorted_constant(alpha, beta) * tau ** (u - 1)
        assert weight * _sum(2 * alpha, alpha, tau) == pytest.approx(expected, rel=1e-3)


@given(alpha=alphas, beta=betas)
@settings(max_examples=20)
def test_the_floor_constant_is_the_limit_of_the_deterministic_equivalent(alpha: float, beta: float) -> None:
    M = 1e6
    kappa = resolvent_constant(alpha) * M ** (-2 * alpha)
    j = np.arange(1, 100_001, dtype=float)
    u = np.linspace(np.log(100_000.5), np.log(1e12), 200_001)
    lam, big = j ** (-2 * alpha), np.exp(-2 * alpha * u)
    degrees = np.sum(lam / (lam + kappa)) + np.trapezoid(big / (big + kappa) * np.exp(u), u)
    assert degrees == pytest.approx(M, rel=2e-2 if alpha < 0.9 else 1e-3)
    floor = np.sum(j ** (-2 * alpha - 2 * beta) * kappa / (kappa + lam))
    floor += np.trapezoid(np.exp((1 - 2 * alpha - 2 * beta) * u) * kappa / (kappa + big), u)
    # the next term is smaller by M^-(2 beta - 1)
    assert floor == pytest.approx(floor_constant(alpha, beta) * M ** (-2 * alpha), rel=5 * M ** -min(1, 2 * beta - 1))


def test_exact_and_numeric_constants_agree() -> None:
    for a, point in ((2 * ALPHA + 2 * BETA, (0.9, 0.8)), (4 * ALPHA, (0.6, 1.0))):
        exact = leading_constant(a)
        names = {str(s): s for s in exact.free_symbols}
        value = float(exact.subs({s: point[("alpha", "beta").index(n)] for n, s in names.items()}))
        number = sum(c * point[0] ** i * point[1] ** j for i, j, c in terms(a)[2])
        assert value == pytest.approx(decaying_constant(float(number), point[0]), rel=1e-12)


def test_crossovers_are_where_the_curves_meet() -> None:
    curves = {c.name: c for c in sgd_curves(1.0, 1.0)}
    N = crossover(curves["F_pp"], curves["F_0"], M=1e3)
    assert N is not None
    assert curves["F_pp"].value(1e3, N, 1.0) == pytest.approx(curves["F_0"].value(1e3, N, 1.0), rel=1e-9)


def test_constants_that_do_not_exist_are_refused() -> None:
    for call in (
        lambda: resolvent_constant(0.5),
        lambda: distorted_constant(1.0, 0.4),
        lambda: noise_constant(0.2),
        lambda: aligned_constant(0.2, 0.2),
        lambda: stationary_risk_constant(0.4),
    ):
        with pytest.raises(NoConstant, match="expected"):
            call()
