"""SGD with any of the four effects of the sign, on a problem: drift, noise and clock in one eigenbasis.

    dy_i = -gamma speed(L) Lambda_i y_i dn + gamma sqrt(strength(L)) (C^1/2 dB)_i,   L = floor + sum_i Lambda_i y_i^2

* effective rate: speed and strength are (2/pi)/sqrt(L + nu^2) and 1 instead of 1 and L + nu^2, and the noise
  covariance (4/pi^2) K instead of K;
* noise compression: the speed is multiplied by psi(L) (`label_noise`), one without label noise and for Gaussian;
* preconditioning: the drift matrix is D^-1/2 K instead of K, D = diag K, in its biorthogonal basis;
* reshaping: the noise covariance is K_sigma in the place of (4/pi^2) K.

With all four this is the SDE of signSGD. `Family` integrates its risk, `derivations.numeric.sde` samples it.

Source: arXiv:2411.12135.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from derivations.numeric.clocks import Clock, CompressedClock, PowerClock, sign_clock
from derivations.numeric.family import Family, Modes
from derivations.numeric.label_noise import NONE, LabelNoise
from derivations.numeric.regression import Array, BadProblem, Regression, check_batch
from derivations.numeric.sign_ode import SignBasis
from derivations.optimizers import LINEAR, SGD, Effect, Optimizer, with_effects


@dataclass(frozen=True, eq=False)
class Diffusion:
    """Rates Lambda, start y and noise covariance C in the eigenbasis, floor of L, clock."""

    rates: Array
    start: Array
    covariance: Array
    floor: float
    clock: Clock

    @cached_property
    def family(self) -> Family:
        """The risk's linear ODE: C enters by its diagonal."""
        modes = Modes(self.rates, self.rates * self.start**2, np.diag(self.covariance).copy(), self.floor)
        return Family(modes, self.clock)


def _parts(o: Optimizer) -> tuple[object, ...]:
    return o.kappa, o.clock, o.noise, o.clock_constant, o.compressed


_SUBSETS = {_parts(with_effects(e for k, e in enumerate(Effect) if mask >> k & 1)) for mask in range(16)}
"""The parts of SGD with any of the four effects."""


def is_sgd(o: Optimizer) -> bool:
    """No effect."""
    return _parts(o) == _parts(SGD)


def is_sign(o: Optimizer) -> bool:
    """All effects."""
    return _parts(o) == _parts(with_effects(Effect))


def check_parts(o: Optimizer) -> None:
    """Refuse parts that have no executable meaning on a problem.

    SGD with any of the four effects has one, and SGD whose step is divided by any power of the risk.

    Raises
    ------
    BadProblem : the sentence names the part, and the engine that has it.
    """
    if _parts(o) in _SUBSETS:
        return
    elsewhere = "the mode model of 'phases check' runs it"
    if o.clock != "0":
        raise BadProblem(f"expected an engine that has the preconditioner of {o.name}, this one has none; {elsewhere}")
    if [(n.scale, n.decay, n.constant) for n in o.noise] != [(n.scale, n.decay, n.constant) for n in LINEAR]:
        raise BadProblem(f"expected an engine that has the noise spectrum of {o.name}, this one has not; {elsewhere}")


def clock_of(optimizer: Optimizer, noise: LabelNoise = NONE, batch: int = 1) -> Clock:
    """The clock of a subset of effects.

    Raises
    ------
    BadProblem : parts without a meaning here (`check_parts`); label noise of infinite variance without both the
        effective rate and compression; a batch < 1.

    >>> from derivations.optimizers import registered
    >>> clock = clock_of(registered()["normalised-sgd"])
    >>> round(float(clock.speed(4.0)), 6), round(float(clock.cost(4.0)), 6)
    (0.31831, 3.141593)
    """
    check_parts(optimizer)
    if optimizer.kappa and optimizer.compressed:
        return sign_clock(noise, batch)
    if not np.isfinite(noise.variance):
        raise BadProblem(
            f"expected label noise of finite variance for an optimizer without the effective rate and compression of "
            f"signSGD, {noise.name} has none"
        )
    check_batch(batch)
    if _parts(optimizer) not in _SUBSETS:  # a step divided by L^kappa, and nothing else
        return PowerClock(float(optimizer.kappa), s=1 / batch, label_noise=noise.variance)
    if optimizer.kappa:
        return PowerClock(0.5, c=float(NONE.slope(1.0, batch)), label_noise=noise.variance)
    if optimizer.compressed and not noise.plain:
        return CompressedClock(noise, batch)
    return PowerClock(0.0, s=1 / batch, label_noise=noise.variance)


def noise_scale(optimizer: Optimizer) -> float:
    """The factor on K_sigma with reshaping, on K without."""
    sign = bool(optimizer.kappa) and _parts(optimizer) in _SUBSETS
    if len(optimizer.noise) == 2:
        return 1.0 if sign else np.pi**2 / 4
    return 4 / np.pi**2 if sign else 1.0


def diffusion(optimizer: Optimizer, problem: Regression, noise: LabelNoise = NONE, batch: int = 1) -> Diffusion:
    """A subset of effects on a problem.

    Raises
    ------
    BadProblem : see `clock_of`.
    """
    clock, basis = clock_of(optimizer, noise, batch), SignBasis(problem)
    covariance = (basis.reshaped if len(optimizer.noise) == 2 else problem.covariance) * noise_scale(optimizer)
    if optimizer.clock == "0":
        rates, vectors = problem.eigen
        start, to_basis = -(vectors.T @ problem.optimum), vectors
    else:
        (rates, Q), start = basis.eigen, basis.start
        to_basis = Q * np.sqrt(basis.sigma)[:, None]
    return Diffusion(rates, start, to_basis.T @ covariance @ to_basis, problem.floor, clock)
