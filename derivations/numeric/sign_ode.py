"""signSGD's risk by its linearised ODE, for any feature covariance and label noise.

With D = diag K, the drift matrix D^-1/2 K is not symmetric; its biorthogonal eigenbasis comes from the symmetric
D^-1/4 K D^-1/4 = Q Lambda Q^T (a singular value decomposition would be wrong). In y = Q^T D^1/4 (theta - theta*), the
risk is floor + sum Lambda_i y_i^2, the drift of y_i is -gamma m(L) Lambda_i y_i, and a step adds noise of covariance
gamma^2 Q^T D^1/4 K_sigma D^1/4 Q, K_sigma = (2/pi) arcsin(correlations): `derivations.numeric.family` with

    speed(L) = m(L),   strength(L) = 1 (`clocks.sign_clock`),   s_i = (Q^T D^1/4 K_sigma D^1/4 Q)_ii.

The linearisation replaces arcsin(x) by x in the drift; where single coordinates are strongly correlated with the
residual (alpha above about 0.6) its transient is off by up to a factor two, and `derivations.numeric.mean_field` is the
engine to use. The stationary level is right in both.

Source: arXiv:2411.12135; biorthogonal basis and closed forms re-derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import eigh

from derivations.numeric.clocks import sign_clock
from derivations.numeric.family import Family, Modes
from derivations.numeric.label_noise import NONE, LabelNoise
from derivations.numeric.regression import Array, Regression, check_batch, check_rate, check_steps
from derivations.schedules import CONSTANT, Schedule


@dataclass(frozen=True, eq=False)
class SignBasis:
    """The biorthogonal eigenbasis of a problem: rates Lambda, basis Q, deviations sigma = sqrt(K_ii)."""

    problem: Regression

    @cached_property
    def sigma(self) -> Array:
        """Standard deviations of the features."""
        return np.sqrt(np.diag(self.problem.covariance))

    @cached_property
    def eigen(self) -> tuple[Array, Array]:
        """Lambda and Q."""
        root = np.sqrt(self.sigma)
        values, vectors = eigh(self.problem.covariance / np.outer(root, root), driver="evd", check_finite=False)
        return np.maximum(values, 0.0), vectors

    @cached_property
    def start(self) -> Array:
        """y at theta = 0."""
        return -(self.eigen[1].T @ (np.sqrt(self.sigma) * self.problem.optimum))

    @cached_property
    def reshaped(self) -> Array:
        """K_sigma = (2/pi) arcsin of the correlations, shape (M, M)."""
        correlation = self.problem.covariance / np.outer(self.sigma, self.sigma)
        np.fill_diagonal(correlation, 1.0)  # arcsin near one would take a rounding error to its root
        return (2 / np.pi) * np.arcsin(np.clip(correlation, -1.0, 1.0))

    def spread(self, covariance: Array) -> Array:
        """(Q^T D^1/4 C D^1/4 Q)_ii for the covariance C of a step's noise."""
        root = np.sqrt(self.sigma)
        Q = self.eigen[1]
        return np.einsum("ij,ij->j", Q, (covariance * np.outer(root, root)) @ Q)

    @cached_property
    def noise(self) -> Array:
        """s_i, shape (M,)."""
        return self.spread(self.reshaped)

    @cached_property
    def modes(self) -> Modes:
        """The family's modes."""
        values = self.eigen[0]
        return Modes(values, values * self.start**2, self.noise, self.problem.floor)


def linearised_curve(
    basis: SignBasis,
    rate: float,
    steps: Array,
    noise: LabelNoise = NONE,
    schedule: Schedule = CONSTANT,
    batch: int = 1,
) -> Array:
    """The risk L of signSGD after the given steps by the linearised ODE, to about 1e-5.

    Raises
    ------
    BadProblem : a rate that is not positive, bad steps, or a batch < 1.
    derivations.numeric.regression.NoConvergence : the dynamics need too many steps.
    """
    check_rate(rate)
    times = check_steps(steps)
    return Family(basis.modes, sign_clock(noise, batch)).curve(rate, times, schedule)


def stationary_risk(problem: Regression, rate: float, noise: LabelNoise = NONE, batch: int = 1) -> float:
    """Risk at which constant-rate signSGD settles: L - floor = (gamma/2 m(L)) sum_i sqrt(K_ii).

    The trace identity Tr(K_sigma D^1/2) = Tr D^1/2 makes it independent of correlations; for Gaussian or no label noise
    it is a quadratic equation, otherwise it is solved by bisection.

    >>> p = Regression(np.eye(4) / 4, np.ones(4), 0.0)
    >>> round(stationary_risk(p, rate=0.1), 6)
    0.024674
    """
    check_rate(rate)
    trace = float(np.sqrt(np.diag(problem.covariance)).sum())
    check_batch(batch)
    if noise.plain:
        y, nu2 = 0.5 * rate * trace / float(NONE.slope(1.0, batch)), noise.variance
        # L - floor = y sqrt(L + nu^2)
        root = (y + np.sqrt(y * y + 4 * (problem.floor + nu2))) / 2
        return float(root * root - nu2)
    low, high = np.log(max(problem.floor, 1e-300)), np.log(1e300)
    for _ in range(200):
        middle = (low + high) / 2
        L = np.exp(middle)
        excess = L - problem.floor - 0.5 * rate * trace / float(noise.slope(L, batch))
        low, high = (low, middle) if excess > 0 else (middle, high)
    return float(np.exp(high))
