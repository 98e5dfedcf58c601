"""Leading constants and exponents of sums against high-precision sums, and the convolution lemma against quadrature."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from derivations import leading
from derivations.algebra import ALPHA, BETA
from derivations.exponents import value
from derivations.numeric.law_curve import NoConstant, curve_law
from derivations.optimizers import registered
from derivations.sigma import mean_power
from derivations.sums import ALPHA_SYMBOL, BETA_SYMBOL, PowerSum

alphas = st.fractions(Fraction(7, 10), 2, max_denominator=20)
betas = st.fractions(Fraction(6, 10), 2, max_denominator=20)


def _sum(a: float, alpha: float, tau: float) -> float:
    """sum_j j^-a exp(-2 tau j^(-2 alpha)) over all j, by Euler-Maclaurin in 20 digits."""
    with mpmath.workdps(20):
        low = mpmath.fsum(
            mpmath.mpf(j) ** -a * mpmath.exp(-2 * tau * mpmath.mpf(j) ** (-2 * alpha)) for j in range(1, 60)
        )
        tail = mpmath.sumem(lambda j: j**-a * mpmath.exp(-2 * tau * j ** (-2 * alpha)), [60, mpmath.inf], tol=1e-8)
        return float(low + tail)


def _power_sum(a: float, low: mpmath.mpf, high: mpmath.mpf) -> mpmath.mpf:
    """sum over low <= j <= high of j^-a: fifty terms directly, the rest by Euler-Maclaurin to third derivatives."""
    direct = mpmath.mpf(0)
    if low == 1:
        direct, low = mpmath.fsum(mpmath.mpf(j) ** -a for j in range(1, 50)), mpmath.mpf(50)
    out = (high ** (1 - a) - low ** (1 - a)) / (1 - a) + (low**-a + high**-a) / 2
    out += a / 12 * (low ** (-a - 1) - high ** (-a - 1))
    return direct + out - a * (a + 1) * (a + 2) / 720 * (low ** (-a - 3) - high ** (-a - 3))


@pytest.mark.parametrize("alpha, beta", [(1.0, 1.0), (0.8, 0.7), (1.5, 0.3), (0.6, 2.0)])
def test_bias_and_noise_constants_are_limits_of_sums(alpha: float, beta: float) -> None:
    s, u = (2 * alpha + 2 * beta - 1) / (2 * alpha), 1 / (2 * alpha)
    tau = 400.0 ** (2 * alpha)
    (aligned,) = leading.aligned()
    assert _sum(2 * alpha + 2 * beta, alpha, tau) == pytest.approx(aligned.at(alpha, beta) * tau**-s, rel=1e-4)
    if beta > 0.5:
        weight = float(mpmath.zeta(2 * beta))
        (noise,) = leading.early(registered()["sgd"], registered()["sgd"].noise[0])
        expected = noise.at(alpha, beta) * tau ** (u - 2)
        assert weight / 2 * _sum(4 * alpha, alpha, tau) == pytest.approx(expected, rel=1e-4)
        (distorted,) = leading.distorted(registered()["sgd"])
        expected = distorted.at(alpha, beta) * tau ** (u - 1)
        assert weight * _sum(2 * alpha, alpha, tau) == pytest.approx(expected, rel=1e-3)


@given(alpha=alphas, beta=betas)
@settings(max_examples=20, deadline=None)
def test_the_floor_constant_is_the_limit_of_the_fixed_point(alpha: Fraction, beta: Fraction) -> None:
    a, b, M = float(alpha), float(beta), 1e6
    u = np.pi / (2 * a)
    kappa = (u / np.sin(u)) ** (2 * a) * M ** (-2 * a)
    j = np.arange(1, 100_001, dtype=float)
    log_j = np.linspace(np.log(100_000.5), np.log(1e12), 200_001)
    lam, big = j ** (-2 * a), np.exp(-2 * a * log_j)
    degrees = np.sum(lam / (lam + kappa)) + np.trapezoid(big / (big + kappa) * np.exp(log_j), log_j)
    assert degrees == pytest.approx(M, rel=2e-2 if a < 0.9 else 1e-3)
    floor = np.sum(j ** (-2 * a - 2 * b) * kappa / (kappa + lam))
    floor += np.trapezoid(np.exp((1 - 2 * a - 2 * b) * log_j) * kappa / (kappa + big), log_j)
    law = {t.name: t for t in curve_law(registered()["sgd"], alpha, beta).terms}
    # the next term is smaller by M^-(2 beta - 1)
    assert floor == pytest.approx(law["F_0"].at(M, 1.0, 1.0), rel=5 * M ** -min(1, 2 * b - 1))


@given(
    a=st.sampled_from([2 * ALPHA, 2 * BETA, 2 * ALPHA + 2 * BETA, 4 * ALPHA]),
    ends=st.sampled_from([("1", "J"), ("J", "M"), ("1", "M")]),
    alpha=st.fractions(Fraction(1, 10), 2, max_denominator=12),
    beta=st.fractions(-1, 2, max_denominator=12),
    depth=st.integers(4, 8),
)
@settings(max_examples=80, deadline=None)
def test_exponents_of_sums_are_their_local_slopes(a, ends, alpha, beta, depth) -> None:  # type: ignore[no-untyped-def]
    """In M and in tau, J = 10^depth and M = 10^(2 depth): the error is at most what the other end still adds."""
    power = float(a.as_expr().subs({"alpha": alpha, "beta": beta}))
    assume(abs(power - 1) > 0.05)
    exponents = PowerSum(a, *ends).exponents()
    at = {k: float(value(node, (alpha, beta))) for k, node in exponents.items()}

    def total(log_j: float, log_m: float) -> mpmath.mpf:
        place = {"1": mpmath.mpf(1), "J": mpmath.mpf(10) ** log_j, "M": mpmath.mpf(10) ** log_m}
        return _power_sum(power, place[ends[0]], place[ends[1]])

    with mpmath.workdps(40):
        J, M, h = depth, 2 * depth, mpmath.mpf("0.001")
        in_j = float(mpmath.log10(total(J + h, M) / total(J - h, M)) / (2 * h)) / (2 * float(alpha))
        in_m = float(mpmath.log10(total(J, M + h) / total(J, M - h)) / (2 * h))
        span = {"1": 0, "J": J, "M": M}
        ratio = 10.0 ** (-abs(power - 1) * (span[ends[1]] - span[ends[0]]))
        # sum and integral differ at an end X by half its last term, a fraction |a - 1|/(2 X) of the sum; X >= 10^depth
        near_one = 10.0**-depth + (0.0 if "1" not in ends else (abs(power - 1) + 1) * ratio)
        bound = (abs(power - 1) + 1) * (2 * ratio / (1 - ratio) + 2 * near_one) + 1e-5
        if power > 1 and ends[0] == "1":  # the sum converges to zeta: the other end is a fraction ratio of it
            bound += 2 * ratio
        elif ends[0] == "1":  # the first modes add a constant
            bound += 4 * abs(float(mpmath.zeta(power) / total(J, M))) + 1e-5
    assume(bound < 0.1)  # near the threshold the ends are too close to tell anything
    scale = max(1.0, 1 / (2 * float(alpha)))
    assert in_m == pytest.approx(at.get("M", 0.0), abs=bound)
    assert in_j == pytest.approx(at.get("tau", 0.0), abs=bound * scale)


@given(p=st.floats(0.05, 3), q=st.floats(0.05, 3), log_tau=st.floats(0, 9))
@settings(max_examples=60, deadline=None)
def test_convolution_lemma(p: float, q: float, log_tau: float) -> None:
    """For decreasing k, G: k * G is between 1/2 and 2^max(p, q) times G(tau) int k + k(tau) int G."""
    tau = 10.0**log_tau
    with mpmath.workdps(20):
        points = (
            [0] + [mpmath.mpf(tau) * x for x in (1e-6, 1e-4, 1e-2, 0.1, 0.5, 0.9, 0.99, 1 - 1e-4, 1 - 1e-6)] + [tau]
        )
        whole = mpmath.quad(lambda s: (1 + tau - s) ** -p * (1 + s) ** -q, points)

        def integral(r: float) -> mpmath.mpf:
            return mpmath.log1p(tau) if r == 1 else ((1 + mpmath.mpf(tau)) ** (1 - r) - 1) / (1 - r)

        lemma = (1 + tau) ** -q * integral(p) + (1 + tau) ** -p * integral(q)
        ratio = float(whole / lemma)
    assert 0.5 * (1 - 1e-6) <= ratio <= 2 ** max(p, q) * (1 + 1e-6)


def test_saturated_noise_of_signsgd_has_the_constant_of_the_trace_identity() -> None:
    """sqrt(L) = (pi/4) gamma sum_i sqrt(K_ii) with the mean of sqrt(K_ii) exact; here from clock and noise spectrum."""
    law = {t.name: t for t in curve_law(registered()["signsgd-saturated"], Fraction(1), Fraction(1)).terms}
    assert law["K_saturated"].constant == pytest.approx(np.pi**2 / 16 * mean_power(1.0, 1) ** 2, rel=1e-14)
    assert (law["K_saturated"].rate, law["K_saturated"].size, law["K_saturated"].time) == (2, 1, 0)


@pytest.mark.parametrize("name", ["sgd", "signsgd", "normalised-sgd", "effects/preconditioning"])
def test_the_clock_of_a_curve_is_consistent(name: str) -> None:
    """Steps and intrinsic times invert each other, and d tau/dN = gamma c L^-kappa."""
    law = curve_law(registered()[name], Fraction(1), Fraction(3, 4))
    steps = np.geomspace(1e2, 1e8, 13)
    tau = law.times(1e4, 1e-3, steps)
    assert law.steps(1e4, 1e-3, tau) == pytest.approx(steps, rel=1e-4)
    fine = law.times(1e4, 1e-3, steps * 1.001)
    speed = 1e-3 * law.clock_constant * 1e4**law.clock * law.risk(1e4, 1e-3, tau) ** -law.kappa
    assert (fine - tau) / (0.001 * steps) == pytest.approx(speed, rel=1e-2)


def test_a_bias_in_steps_solves_the_clock() -> None:
    """The closed form of the aligned bias in N is the parametric curve without the other terms."""
    optimizer = registered()["signsgd"]
    law = curve_law(optimizer, Fraction(1), Fraction(1))
    aligned = next(t for t in law.terms if t.name == "F_pp")
    (constant,) = leading.aligned()
    decay = (2 * ALPHA_SYMBOL + 2 * BETA_SYMBOL - 1) / (2 * ALPHA_SYMBOL)
    value_, s = leading.in_steps(optimizer, constant.value, decay)
    C, power = (float(e.subs({ALPHA_SYMBOL: 1.0, BETA_SYMBOL: 1.0}).evalf()) for e in (value_, s))
    M, gamma, N = 100.0, 1e-6, 1e12
    tau = ((1 - law.kappa * -aligned.time) * gamma * law.clock_constant * M**law.clock * N / aligned.constant**0.5) ** (
        1 / (1 - law.kappa * -aligned.time)
    )
    assert C * (gamma * M**law.clock * N) ** -power == pytest.approx(float(aligned.at(M, gamma, tau)), rel=1e-10)


def test_crossovers_are_where_the_curves_meet() -> None:
    law = curve_law(registered()["sgd"], Fraction(1), Fraction(1))
    terms = {t.name: t for t in law.terms}
    found = law.crossovers(1e3, 1.0, np.geomspace(1, 1e9, 2))
    assert [(c.before, c.to) for c in found] == [("F_pp", "F_ac"), ("F_ac", "F_0")]
    for c in found:
        assert terms[c.before].at(1e3, 1.0, c.steps) == pytest.approx(terms[c.to].at(1e3, 1.0, c.steps), rel=1e-9)
    M = law.crossover_size("F_0", "F_pp", 1.0, 1e6)
    assert terms["F_0"].at(M, 1.0, 1e6) == pytest.approx(terms["F_pp"].at(M, 1.0, 1e6), rel=1e-9)
    sign = curve_law(registered()["signsgd"], Fraction(1), Fraction(1))
    M = sign.crossover_size("K_learned", "F_pp", 1e-3, 1e4)
    tau = sign.times(M, 1e-3, np.array([1e4]))[0]
    terms = {t.name: t for t in sign.terms}
    assert terms["K_learned"].at(M, 1e-3, tau) == pytest.approx(terms["F_pp"].at(M, 1e-3, tau), rel=1e-6)


def test_constants_that_do_not_exist_are_refused_or_named() -> None:
    with pytest.raises(NoConstant, match="expected alpha > 1/2"):
        curve_law(registered()["signsgd"], Fraction(2, 5), Fraction(1))
    for name in ("normalised-sgd", "effects/rate", "effects/rate+reshaping"):
        for beta in (Fraction(1, 4), Fraction(7, 10), Fraction(2)):
            with pytest.raises(
                NoConstant, match=f"expected alpha > 1/2 for {name}: its clock follows the risk".replace("+", r"\+")
            ):
                curve_law(registered()[name], Fraction(2, 5), beta)
    with pytest.raises(NoConstant, match="expected beta other than 1/2"):
        curve_law(registered()["normalised-sgd"], Fraction(1), Fraction(1, 2))
    with pytest.raises(NoConstant, match="expected alpha > 0 and"):
        curve_law(registered()["sgd"], Fraction(1, 5), Fraction(1, 5))
    assert curve_law(registered()["sgd"], Fraction(2, 5), Fraction(1, 4)).missing == ("F_0", "K_early")
    with pytest.raises(NoConstant, match="cross"):
        curve_law(registered()["sgd"], Fraction(1), Fraction(1)).crossover_size("F_pp", "K_early", 1e-9, 10.0)


@given(
    name=st.sampled_from(sorted(registered())),
    alpha=st.fractions(Fraction(1, 20), 2, max_denominator=20),
    beta=st.fractions(-1, 3, max_denominator=20),
    rate=st.floats(1e-6, 1e-2),
)
@settings(max_examples=60, deadline=None)
def test_a_curve_is_refused_or_falls_and_stays_above_zero(
    name: str, alpha: Fraction, beta: Fraction, rate: float
) -> None:
    assume(alpha + beta > Fraction(1, 2))
    try:
        law = curve_law(registered()[name], alpha, beta)
    except NoConstant as error:
        assert str(error).startswith("expected") and "\n" not in str(error)
        return
    assume(law.start < 1e6 and law.terms)
    steps = np.geomspace(1.0, 1e6, 7)
    tau = law.times(1024.0, rate, steps)
    risk = law.risk(1024.0, rate, tau)
    assert (np.diff(tau) > 0).all() and (risk > 0).all() and (np.diff(risk) <= 0).all()
    if law.kappa:
        assert risk[-1] >= next(t for t in law.terms if t.name == "F_0").constant * 1024.0 ** float(-2 * alpha)
