"""Label noise: what a sign sees of it.

A residual is r = g + epsilon, g ~ N(0, L) by the features, epsilon the label noise. signSGD meets epsilon only through
``bell(V)`` = E exp(-epsilon^2/2V). The mean sign T(rho) of a coordinate whose (unit) feature x has correlation rho with
g follows from Price's theorem, dT/drho = sqrt(L) sum_b E d^2 sign(sum_b r_b x_b)/dg_b dx_b over a batch of B:

    B = 1:   dT/dphi = (2/pi) bell(L cos^2 phi),   rho = sin phi,
    B >= 2:  dT/drho = (2 (B - 1)/pi) int_0^oo Re [A^(-1/2) bell(L A/k^2)]^B dk,   A = 1 - 2 i k rho + k^2 (1 - rho^2),

where E exp(i k r x/sqrt(L)) = A^(-1/2) bell(L A/k^2). Without noise T is the incomplete beta function
I_(rho^2)(1/2, B/2), (2/pi) arcsin(rho) at B = 1; Gaussian noise multiplies rho by sqrt(L/(L + nu^2)). The slope at
rho = 0 is sqrt(L) m(L), m = (2/pi) E exp(-epsilon^2/2L)/sqrt(L) at B = 1: the effective rate of arXiv:2411.12135.

Source: arXiv:2411.12135 (m, noise compression); T(rho) re-derived, its batch form for any noise new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import betainc, erf, erfcx, poch
from scipy.stats import chi2

from derivations.grammar import parse_real
from derivations.numeric.regression import Array, BadProblem

Sampler = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class LabelNoise:
    """A law of epsilon: ``bell(V)`` = E exp(-epsilon^2/2V), variance (inf if it has none), and a sampler."""

    name: str
    variance: float
    bell: Callable[[Array], Array]
    sample: Sampler

    def slope(self, risk: Array | float, batch: int = 1) -> Array:
        """m(L): the drift of theta is -gamma m K_bar (theta - theta*) where correlations are small.

        >>> round(float(NONE.slope(1.0)), 6), round(float(NONE.slope(1.0, 4)), 6)
        (0.63662, 1.5)
        """
        L = np.asarray(risk, dtype=float)
        if self.plain:
            half = batch / 2
            return 2 / np.sqrt(np.pi) * poch(half, 0.5) / np.sqrt(L + self.variance)
        if batch == 1:
            return (2 / np.pi) * self.bell(L) / np.sqrt(L)
        return self._density(np.zeros(1), L[..., None], batch)[..., 0] / np.sqrt(L)

    def compression(self, risk: Array | float, batch: int = 1) -> Array:
        """psi = m(L) over that of Gaussian noise of the same variance; infinite for infinite variance.

        At batch 1 it is sqrt((L + nu^2)/L) E exp(-epsilon^2/2L).

        >>> round(float(GAUSSIAN(1.0).compression(0.3)), 12), float(CAUCHY(1.0).compression(0.3))
        (1.0, inf)
        """
        L = np.asarray(risk, dtype=float)
        return self.slope(L, batch) * np.sqrt(L + self.variance) / NONE.slope(1.0, batch)

    def mean_sign(self, correlation: Array, risk: float, batch: int = 1) -> Array:
        """T(rho) for an array of correlations in [-1, 1]: E sign(sum_b r_b x_b), to 1e-4 or better.

        (To rounding, but for correlations near one with noise that is much smaller than the risk.)

        >>> [round(float(x), 6) for x in NONE.mean_sign(np.array([0.5, -1.0]), 1.0)]
        [0.333333, -1.0]
        """
        rho = np.clip(correlation, -1.0, 1.0)
        if self.plain:
            seen = rho * np.sqrt(risk / (risk + self.variance))
            if batch == 1:
                return (2 / np.pi) * np.arcsin(seen)
            return np.sign(seen) * betainc(0.5, batch / 2, seen * seen)
        angle = np.arcsin(rho)  # in which T is smooth; dT/dangle is even, so half the nodes will do
        at = _NODES[: len(_NODES) // 2] * (np.pi / 2)
        if batch == 1:
            density = (2 / np.pi) * self.bell(risk * np.cos(at) ** 2 + 1e-300)
        else:
            density = np.cos(at) * self._density(np.sin(at), np.asarray(risk), batch)
        series = chebyshev.chebint(_TO_SERIES @ np.concatenate([density, density[::-1]]))
        series[::2] = 0.0  # odd
        return np.asarray((np.pi / 2) * chebyshev.chebval(angle / (np.pi / 2), series), dtype=float)

    def _density(self, rho: Array, risk: Array, batch: int) -> Array:
        """dT/drho for a batch of at least two; arrays that broadcast."""
        k, weights = _half_line()
        rho, L = np.asarray(rho)[..., None], np.asarray(risk)[..., None]
        A = 1 - 2j * k * rho + k * k * (1 - rho * rho)
        spectrum = self.bell(L * A / (k * k)) / np.sqrt(A)
        return (2 * (batch - 1) / np.pi) * ((spectrum**batch).real @ weights)

    @property
    def plain(self) -> bool:
        """None or Gaussian: it only widens the residual."""
        return self.name in ("none", "gaussian")


_NODES = chebyshev.chebpts1(64)[::-1]
_TO_SERIES = chebyshev.chebvander(_NODES, len(_NODES) - 1).T * (2 / len(_NODES))
_TO_SERIES[0] /= 2
"""Values at Chebyshev nodes to coefficients."""


def _none() -> LabelNoise:
    return LabelNoise("none", 0.0, lambda V: np.ones_like(V), lambda rng, shape: np.zeros(shape))


NONE = _none()


def GAUSSIAN(scale: float) -> LabelNoise:
    """epsilon ~ N(0, scale^2)."""
    nu2 = scale**2
    return LabelNoise(
        "gaussian", nu2, lambda V: np.sqrt(V / (V + nu2)), lambda rng, shape: scale * rng.standard_normal(shape)
    )


def RADEMACHER(scale: float) -> LabelNoise:
    """epsilon = +-scale with equal odds."""
    nu2 = scale**2
    return LabelNoise(
        "rademacher",
        nu2,
        lambda V: np.exp(-nu2 / (2 * V)),
        lambda rng, shape: scale * (2.0 * rng.integers(0, 2, shape) - 1),
    )


def UNIFORM(scale: float) -> LabelNoise:
    """epsilon uniform on [-scale, scale]."""
    return LabelNoise(
        "uniform",
        scale**2 / 3,
        lambda V: np.sqrt(np.pi * V / 2) * erf(scale / np.sqrt(2 * V)) / scale,
        lambda rng, shape: rng.uniform(-scale, scale, shape),
    )


def CAUCHY(scale: float) -> LabelNoise:
    """epsilon = scale times a standard Cauchy variable: infinite variance."""

    def bell(V: Array) -> Array:
        return erfcx(scale / np.sqrt(2 * V))  # the Voigt profile at its centre

    return LabelNoise("cauchy", np.inf, bell, lambda rng, shape: scale * rng.standard_cauchy(shape))


def STUDENT(scale: float, degrees: float = 3.0) -> LabelNoise:
    """epsilon = scale times Student's t with the given degrees of freedom (variance scale^2 d/(d - 2) for d > 2)."""
    h = 0.1 / max(1.0, np.sqrt(degrees / 20))
    t = np.arange(-3.6, np.log(100 + 3 * degrees), h)
    w = np.exp(t - np.exp(-t))  # a mixture of Gaussians of variance scale^2 d/w, w chi-squared with d degrees
    odds = h * (1 + np.exp(-t)) * w * chi2.pdf(w, degrees)
    w, odds = w[odds > 1e-18], odds[odds > 1e-18]
    spread = scale**2 * degrees / w

    def bell(V: Array) -> Array:
        V = np.asarray(V)[..., None]
        return np.sqrt(V / (V + spread)) @ odds

    variance = scale**2 * degrees / (degrees - 2) if degrees > 2 else np.inf
    return LabelNoise("student", variance, bell, lambda rng, shape: scale * rng.standard_t(degrees, shape))


def MIXTURE(scale: float, outlier: float = 10.0, odds: float = 0.1) -> LabelNoise:
    """epsilon Gaussian of deviation ``scale``, with odds ``odds`` of ``outlier`` times as much."""
    small, large = GAUSSIAN(scale), GAUSSIAN(scale * outlier)

    def sample(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return scale * rng.standard_normal(shape) * np.where(rng.random(shape) < odds, outlier, 1.0)

    return LabelNoise(
        "mixture",
        (1 - odds) * small.variance + odds * large.variance,
        lambda V: (1 - odds) * small.bell(V) + odds * large.bell(V),
        sample,
    )


@cache
def _half_line() -> tuple[Array, Array]:
    """Nodes and weights of int_0^oo dx by the double-exponential rule."""
    t = np.arange(-4.5, 4.5, 0.03)
    x = np.exp(np.pi / 2 * np.sinh(t))
    return x, 0.03 * np.pi / 2 * np.cosh(t) * x


_KINDS: dict[str, Callable[..., LabelNoise]] = {
    "gaussian": GAUSSIAN,
    "rademacher": RADEMACHER,
    "uniform": UNIFORM,
    "student": STUDENT,
    "cauchy": CAUCHY,
    "mixture": MIXTURE,
}


def label_noise(text: str) -> LabelNoise:
    """From a text such as ``none``, ``gaussian:0.5``, ``student:0.5:3``, ``mixture:0.1:10:0.05``.

    Raises
    ------
    BadProblem : an unknown name, or parameters that are not positive numbers.

    >>> label_noise("rademacher:2").variance
    4.0
    """
    name, *given = text.split(":")
    if name == "none" and not given:
        return NONE
    expected = "none, " + ", ".join(f"{k}:SCALE" for k in _KINDS)
    if name not in _KINDS or not 1 <= len(given) <= {"student": 2, "mixture": 3}.get(name, 1):
        raise BadProblem(f"expected label noise as one of {expected}, got {text[:60]!r}")
    try:
        numbers = [parse_real(g) for g in given]
    except ValueError:
        raise BadProblem(f"expected label noise as one of {expected}, got {text[:60]!r}") from None
    odds_too_high = name == "mixture" and len(numbers) > 2 and numbers[2] >= 1
    if odds_too_high or not all(1e-50 <= x <= 1e50 for x in numbers):
        raise BadProblem(
            f"expected parameters of the label noise between 1e-50 and 1e50 (odds below 1), got {text[:60]!r}"
        )
    if name == "student" and len(numbers) > 1 and not 0.01 <= numbers[1] <= 1e6:
        raise BadProblem(f"expected degrees of freedom between 0.01 and 1e6, got {text[:60]!r}")
    return _KINDS[name](*numbers)
