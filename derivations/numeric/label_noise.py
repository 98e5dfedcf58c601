"""Label noise: what a sign sees of it.

A residual is g + epsilon, g ~ N(0, L) by the features, epsilon the label noise. signSGD meets epsilon only through the
density of g + epsilon at zero, h(V) = E exp(-epsilon^2/2V)/sqrt(2 pi V), V the variance of g: the mean drift of a
coordinate whose feature has correlation rho with g is

    T(rho) = 4 sqrt(L/2 pi) int_0^(arcsin rho) h(L cos(phi)^2) cos(phi) dphi,

(Price's theorem), (2/pi) arcsin(rho) without noise and (2/pi) arcsin(rho sqrt(L/(L + nu^2))) for Gaussian noise. Its
slope at rho = 0 is sqrt(L) m(L), m = (2/pi) E exp(-epsilon^2/2L)/sqrt(L), the effective rate of arXiv:2411.12135.

Source: arXiv:2411.12135 (m, noise compression); T(rho) re-derived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfcx, roots_legendre
from scipy.stats import t as student

from derivations.numeric.regression import Array, BadProblem

Sampler = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class LabelNoise:
    """A law of epsilon: ``bell(V)`` = E exp(-epsilon^2/2V), variance (inf if it has none), and a sampler."""

    name: str
    variance: float
    bell: Callable[[Array], Array]
    sample: Sampler

    def slope(self, risk: Array | float) -> Array:
        """m(L) = (2/pi) E exp(-epsilon^2/2L)/sqrt(L); the drift of theta is -gamma m K_bar (theta - theta*)."""
        L = np.asarray(risk, dtype=float)
        return (2 / np.pi) * self.bell(L) / np.sqrt(L)

    def compression(self, risk: float) -> float:
        """psi = sqrt((L + nu^2)/L) E exp(-epsilon^2/2L): 1 for Gaussian noise, infinite for infinite variance.

        >>> round(GAUSSIAN(1.0).compression(0.3), 12), CAUCHY(1.0).compression(0.3)
        (1.0, inf)
        """
        return float(np.sqrt((risk + self.variance) / risk) * self.bell(np.asarray(risk)))

    def mean_sign(self, correlation: Array, risk: float) -> Array:
        """T(rho) for an array of correlations in [-1, 1]: E[sign(x) sign(g + epsilon)]."""
        rho = np.clip(correlation, -1.0, 1.0)
        if self.name == "none":
            return (2 / np.pi) * np.arcsin(rho)
        if self.name == "gaussian":
            return (2 / np.pi) * np.arcsin(rho * np.sqrt(risk / (risk + self.variance)))
        angle = np.arcsin(rho)
        grid, weights = roots_legendre(24)
        phi = 0.5 * angle[..., None] * (grid + 1)
        values = self.bell(risk * np.cos(phi) ** 2 + 1e-300)
        return (2 / np.pi) * 0.5 * angle * (values @ weights)


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
    grid, weights = _half_line()
    density = 2 * student.pdf(grid, degrees) * weights

    def bell(V: Array) -> Array:
        return np.exp(-((scale * grid) ** 2) / (2 * np.asarray(V)[..., None])) @ density

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
        numbers = [float(g) for g in given]
    except ValueError:
        raise BadProblem(f"expected label noise as one of {expected}, got {text[:60]!r}") from None
    odds_too_high = name == "mixture" and len(numbers) > 2 and numbers[2] >= 1
    if odds_too_high or not all(np.isfinite(x) and x > 0 for x in numbers):
        raise BadProblem(f"expected positive parameters (odds below 1) for the label noise, got {text[:60]!r}")
    return _KINDS[name](*numbers)
