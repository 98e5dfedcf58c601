"""How a family of dynamics turns risk into time: the speed of intrinsic time and the strength of noise.

A step of learning rate gamma moves intrinsic time by gamma * speed(L) and injects noise gamma^2 * strength(L); per
intrinsic time the noise is gain(L) = gamma * strength/speed. Every implicit step of an integrator ends in one scalar
equation L = base + weight * strength(L)/speed(L), which a clock solves: in closed form where the speed is a power of
the risk, by Newton's method for other label noise. All functions take floats or arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from derivations.numeric.label_noise import NONE, LabelNoise
from derivations.numeric.regression import check_batch

Number = Any
"""A float or an array of floats."""


class Clock(Protocol):
    """Speed and noise of an optimizer as functions of the risk."""

    def speed(self, risk: Number) -> Number:
        """d tau per step and learning rate."""

    def cost(self, risk: Number) -> Number:
        """strength/speed: noise per intrinsic time and learning rate."""

    def settle(self, base: Number, weight: Number, guess: Number) -> Number:
        """The L with L = base + weight * cost(L); infinite where there is none."""


@dataclass(frozen=True, eq=False)
class PowerClock:
    """speed = c X^-kappa, strength = s X^(1 - 2 kappa), X = L + label noise; SGD: kappa 0, signSGD: kappa 1/2.

    >>> clock = PowerClock(0.5, c=2 / np.pi)
    >>> L = clock.settle(0.5, 0.1, 1.0)
    >>> bool(abs(L - 0.5 - 0.1 * clock.cost(L)) < 1e-15)
    True
    """

    kappa: float
    c: Number = 1.0
    s: float = 1.0
    label_noise: float = 0.0

    def speed(self, risk: Number) -> Number:
        """c X^-kappa."""
        if not self.kappa:
            return self.c + 0 * risk
        return self.c * (risk + self.label_noise) ** -self.kappa

    def cost(self, risk: Number) -> Number:
        """(s/c) X^(1 - kappa)."""
        return self.s / self.c * (risk + self.label_noise) ** (1 - self.kappa)

    def settle(self, base: Number, weight: Number, guess: Number) -> Number:
        """Closed for kappa = 0 and 1/2."""
        w = weight * (self.s / self.c)
        total = base + self.label_noise
        if self.kappa == 0.5:
            root = 0.5 * (w + (w * w + 4 * total) ** 0.5)
            return root * root - self.label_noise
        if self.kappa == 0:
            return np.where(w < 1, total / np.where(w < 1, 1 - w, 1.0), np.inf) - self.label_noise
        return newton(self.cost, base, weight, guess)


@dataclass(frozen=True, eq=False)
class SignClock:
    """signSGD with any label noise and batch: speed m(L), strength 1."""

    noise: LabelNoise
    batch: int = 1

    def speed(self, risk: Number) -> Number:
        """m(L), at least 1e-200: a sign that sees nothing but label noise does not stop the clock."""
        return np.maximum(self.noise.slope(risk, self.batch), 1e-200)

    def cost(self, risk: Number) -> Number:
        """1/m(L)."""
        return 1 / self.speed(risk)

    def settle(self, base: Number, weight: Number, guess: Number) -> Number:
        """By Newton's method."""
        return newton(self.cost, base, weight, guess)


@dataclass(frozen=True, eq=False)
class CompressedClock:
    """SGD whose drift is multiplied by the noise compression psi(L) of the sign: speed psi, strength (L + nu^2)/B.

    >>> from derivations.numeric.label_noise import GAUSSIAN
    >>> round(float(CompressedClock(GAUSSIAN(1.0)).speed(0.5)), 12)
    1.0
    """

    noise: LabelNoise
    batch: int = 1

    def speed(self, risk: Number) -> Number:
        """psi(L)."""
        return self.noise.compression(risk, self.batch)

    def cost(self, risk: Number) -> Number:
        """(L + nu^2)/(B psi(L))."""
        return (risk + self.noise.variance) / (self.batch * self.speed(risk))

    def settle(self, base: Number, weight: Number, guess: Number) -> Number:
        """By Newton's method."""
        return newton(self.cost, base, weight, guess)


def newton(cost: Any, base: Number, weight: Number, guess: Number) -> Number:
    """The L with L = base + weight * cost(L), from a guess, by Newton's method to rounding.

    >>> round(float(newton(lambda L: L**0.5, 1.0, 1.0, 1.0)), 12) == round((3 + 5**0.5) / 2, 12)
    True
    """
    L = guess
    for _ in range(30):
        g = cost(L)
        step = 1e-6 * L
        slope = (cost(L + step) - g) / step
        new = np.maximum((base + weight * (g - slope * L)) / (1 - weight * slope), base)
        settled = not np.any(np.abs(new - L) > 1e-12 * L)
        L = new
        if settled:
            break
    return L


def sign_clock(noise: LabelNoise = NONE, batch: int = 1) -> Clock:
    """signSGD's clock for label noise and batch size.

    Raises
    ------
    BadProblem : a batch < 1.

    >>> round(float(sign_clock().speed(1.0)), 6), round(float(sign_clock(NONE, 4).speed(1.0)), 6)
    (0.63662, 1.5)
    """
    check_batch(batch)
    if noise.plain:
        return PowerClock(0.5, c=float(NONE.slope(1.0, batch)), label_noise=noise.variance)
    return SignClock(noise, batch)
