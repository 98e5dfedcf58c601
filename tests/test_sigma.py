"""Means over sigma_i = sqrt(K_ii) for alpha > 1/2: exact integrals, against samples, sketches and the dynamics."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
from scipy.special import zeta
from sympy import latex

from derivations.derive import derive
from derivations.log import as_tex, as_text
from derivations.numeric.effects import diffusion
from derivations.numeric.law_curve import NoConstant, curve_law
from derivations.numeric.regression import Regression, power_law
from derivations.numeric.sign_ode import stationary_risk
from derivations.optimizers import registered
from derivations.sigma import NoMean, _with_mode, mean_power, mixed_target, slow_target

MEASURED = {0.75: 1.10, 1.0: 1.25, 1.5: 1.56, 2.0: 1.88}
"""E[1/sigma] (zeta(2 alpha)/M)^(1/2), measured on sketches to about two percent."""


@pytest.mark.parametrize("alpha", MEASURED)
def test_the_mean_inverse_is_what_was_measured(alpha: float) -> None:
    assert mean_power(alpha, 0) * zeta(2 * alpha) ** 0.5 == pytest.approx(MEASURED[alpha], rel=0.02)


@pytest.mark.parametrize("alpha", [0.6, 1.0, 1.5])
def test_means_against_samples(alpha: float) -> None:
    """Three thousand features of six thousand modes; the rest, nearly constant, at its mean. Within five errors."""
    rng, weights = np.random.default_rng(7), np.arange(1.0, 6001.0) ** (-2 * alpha)
    g2 = rng.chisquare(1, (3000, 6000))
    S = g2 @ weights + zeta(2 * alpha, 6001)
    for k in range(3):
        sample = S ** (k - 0.5)
        assert mean_power(alpha, k) == pytest.approx(sample.mean(), abs=5 * sample.std() / len(S) ** 0.5)
    for power, target in ((-1.0, mixed_target), (0.0, slow_target)):
        root = (g2 * (S**-0.5)[:, None]).mean(axis=0)
        top = (g2 * (S**-1.0)[:, None]).mean(axis=0) / root**2 if power else (S**-0.5).mean() / root
        assert target(alpha, 1.5) == pytest.approx((top * np.arange(1.0, 6001.0) ** -3).sum(), rel=0.06)


@pytest.mark.parametrize("alpha, k", [(0.75, 0), (1.0, 1), (2.0, 0)])
def test_means_against_integrals_in_high_precision(alpha: float, k: int) -> None:
    """The product over fifty modes and an integral of the logarithm beyond, twenty digits, another quadrature."""
    with mpmath.workdps(20):
        a = mpmath.mpf(2 * alpha)

        def phi(s: mpmath.mpf) -> mpmath.mpf:
            x = 2 * s
            y = x * mpmath.mpf(50) ** -a
            bulk = a * 50 * y / (a - 1) * mpmath.hyp2f1(1, 1 - 1 / a, 2 - 1 / a, -y) - 50 * mpmath.log1p(y)
            edge = mpmath.log1p(y) / 2 + a * y / (1 + y) / 600
            return mpmath.exp(-(mpmath.fsum(mpmath.log1p(x * j**-a) for j in range(1, 50)) + bulk + edge) / 2)

        def term(u: mpmath.mpf) -> mpmath.mpf:
            s = mpmath.exp(u)
            return phi(s) * s**0.5 if not k else (1 - phi(s)) * s**-0.5 / 2

        whole = mpmath.quad(term, [-30, -10, -3, 0, 3, 6, 10, 20, 40])
    # Euler and Maclaurin stop one term earlier here, at relative 1e-8
    assert mean_power(alpha, k) == pytest.approx(float(whole / mpmath.sqrt(mpmath.pi)), rel=1e-5)


@pytest.mark.parametrize("alpha", [0.6, 1.0, 2.0, 4.0])
def test_the_targets_are_sums_over_all_modes(alpha: float) -> None:
    """Directly over five thousand modes; what is beyond has its weight to 5000^(-2 alpha)."""
    i = np.arange(1.0, 5001.0)
    root, inverse = _with_mode(alpha, i)
    beyond = float(zeta(3.0, 5001))
    for target, weight in ((mixed_target, inverse / root**2), (slow_target, mean_power(alpha, 0) / root)):
        direct = float((weight * i**-3.0).sum() + weight[-1] * beyond)
        assert target(alpha, 1.5) == pytest.approx(direct, rel=1e-9)


@cache
def sketches(alpha: float, beta: float) -> tuple[Regression, ...]:
    return tuple(power_law(alpha, beta, 512, 4096, seed) for seed in range(4))


@pytest.mark.parametrize("alpha", [1.0, 1.5])
def test_the_stationary_level_on_sketches(alpha: float) -> None:
    """sqrt(L) = (pi/4) gamma sum_i sigma_i, gamma large enough that the floor does not count."""
    law = {t.name: t for t in curve_law(registered()["signsgd-saturated"], Fraction(alpha), Fraction(1)).terms}
    noise, rate = law["K_saturated"], 0.05
    levels = [stationary_risk(p, rate) for p in sketches(alpha, 1.0)]
    # a mean over 4 x 512 features whose sigma scatters by less than its mean: five errors of 2/sqrt(2048)
    assert np.mean(levels) == pytest.approx(float(noise.at(512.0, rate, 1.0)), rel=5 * 2 / 2048**0.5)
    old = np.pi**2 / 16 * zeta(2 * alpha) * rate**2 * 512
    assert abs(np.mean(levels) / old - 1) > abs(np.mean(levels) / float(noise.at(512.0, rate, 1.0)) - 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signsgd", "effects/rate+preconditioning", "effects/preconditioning"])
@pytest.mark.parametrize("alpha, beta", [(1.0, 1.0), (1.5, 1.2), (1.5, 0.3)])
def test_the_drift_of_late_modes_on_sketches(name: str, alpha: float, beta: float) -> None:
    """Bias alone (a tiny rate) while modes 3 to 12 of 512 are learned, in the ODE of four sketches.

    The risk wiggles around its law as one mode after another is learned; means over many times do not.
    """
    optimizer, tau = registered()[name], np.geomspace(3.0, 12.0, 16) ** (2 * alpha)
    law = curve_law(optimizer, Fraction(alpha).limit_denominator(), Fraction(beta).limit_denominator())
    bias = [t for t in law.terms if t.name in ("F_pp", "F_ac")]
    predicted = np.sum([t.at(512.0, 1.0, tau) for t in bias], axis=0)
    measured, before = [], []
    for problem in sketches(alpha, beta):
        d = diffusion(optimizer, problem)
        shares = d.rates * d.start**2
        for clock, out in ((law.clock_constant, measured), (law.clock_constant / law_bias(alpha), before)):
            # one unit of the law's tau is 1/(c M^(1/2)) of rate 1 times the drift's own constant
            own = tau / (clock / float(drift_constant(name)) * 512**0.5)
            out.append(np.exp(-2 * np.outer(own, d.rates)) @ shares)
    now, then = (abs(np.log(np.mean(x, axis=0) / predicted).mean()) for x in (measured, before))
    # corrections to scaling fall as 1/J, J between 3 and 12
    assert now < 0.1 < then


def law_bias(alpha: float) -> float:
    """By how much K_ii at its mean would slow the clock."""
    return mean_power(alpha, 0) * float(zeta(2 * alpha)) ** 0.5


def drift_constant(name: str) -> float:
    """2/pi with the effective rate."""
    return 2 / np.pi if "rate" in name or name == "signsgd" else 1.0


def test_what_has_no_mean_is_refused() -> None:
    for alpha in (0.5, 0.2, 51.0, float("nan")):
        with pytest.raises(NoMean, match="expected 1/2 < alpha <= 50"):
            mean_power(alpha, 0)
    with pytest.raises(NoConstant, match="expected alpha <= 50"):
        curve_law(registered()["signsgd"], Fraction(60), Fraction(1))
    assert curve_law(registered()["sgd"], Fraction(60), Fraction(1)).terms


def test_means_print_in_text_and_in_latex() -> None:
    found = derive(registered()["signsgd"])
    constants = {t.name: t.constants for t in found.law.terms}
    (noise,) = constants["K_learned"]
    assert str(noise) == "mean_sigma(alpha)**2/4" and "linear part of the arcsine alone" in noise.reason
    law = curve_law(registered()["signsgd"], Fraction(1), Fraction(1))
    assert {t.name: bool(t.remark) for t in law.terms} == {
        "F_0": False,
        "F_pp": False,
        "F_ac": False,
        "K_learned": True,
    }
    assert latex(noise.value) == r"\frac{\left(\overline{\sigma}\right)^{2}}{4}"
    text, tex = as_text(found), as_tex(found)
    for name in ("mean_sigma", "mean_inverse_sigma", "mixed_target"):
        assert f"{name} is " in text
    assert "slow_target" not in text and r"\|b\|^{2}_{\mathrm{mixed}}" in tex and tex.count("{") == tex.count("}")
