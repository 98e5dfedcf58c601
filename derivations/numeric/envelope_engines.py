"""Engines the referee can trace an envelope with, beside the mode model: what `envelope` asks of each.

* SGD on the deterministic equivalent of power-law random features, v = 4 M: exact recurrence, M up to 2^60;
* any member of the family by its linearised ODE on that equivalent, M up to 2^60;
* SGD or signSGD themselves, sampled on sampled sketches, M up to 512.

The last scatters from sketch to sketch: the referee runs several independent replicas of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from scipy.special import expit

from derivations.numeric.effects import is_sgd, is_sign
from derivations.numeric.envelope import Dynamics
from derivations.numeric.equivalent import Equivalent, equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.family import Family, integrate, stacked
from derivations.numeric.mode_model import ModeDynamics
from derivations.numeric.montecarlo import simulate
from derivations.numeric.regression import Array, BadProblem, Regression, sketched
from derivations.optimizers import Optimizer

ENGINES = ("mode", "ode", "montecarlo")
FINE = 1e-7
"""Relative error of a curve: well below what a fit resolves."""
REPLICAS = 3
"""Independent sets of sketches, for error bars."""


@dataclass(frozen=True)
class EquivalentDynamics:
    """SGD on the deterministic equivalent."""

    optimizer: Optimizer
    alpha: float
    beta: float

    @property
    def model(self) -> str:
        """What is solved."""
        return "SGD's recurrence on the deterministic equivalent, v = 4 M"

    @cache  # noqa: B019
    def at(self, M: float) -> Equivalent:
        """The equivalent at model size M."""
        return equivalent(self.alpha, self.beta, M)

    def sizes(self, largest: float) -> Array:
        """Powers of two from 8."""
        return 2.0 ** np.arange(3.0, min(60.0, np.log2(largest) * 0.97))

    def rates(self, M: float, longest: float) -> Array:
        """Half the largest stable rate; if the rate is free, from the limit down, at last by factors of four."""
        limit = self.at(M).largest_stable_rate()
        if self.optimizer.rate == "largest":
            return np.array([0.5 * limit])
        return limit * expit(3.0 - np.log(4.0) * np.arange(2 + max(2.0, 0.3 * np.log2(longest))))

    def curves(self, M: float, rates: Array, steps: Array) -> Array:
        """Risks of shape (rates, steps)."""
        model = self.at(M)
        return np.stack([model.sgd_curve(float(rate), steps, error=FINE) for rate in rates])

    def each(self, sizes: Array, rates: Array, steps: Array) -> Array:
        """The risk for every triple (M, rate, N) of three arrays of one shape; infinite at unstable rates."""
        out = np.full(sizes.shape, np.inf)
        for k, (M, rate) in enumerate(zip(sizes.tolist(), rates.tolist(), strict=True)):
            if self.at(M).kernel_norm(rate) < 1:
                out[k] = self.at(M).sgd_curve(rate, steps[k : k + 1], error=FINE)[0]
        return out


@dataclass(frozen=True)
class EquivalentOde:
    """The family's linearised ODE on the deterministic equivalent."""

    optimizer: Optimizer
    alpha: float
    beta: float

    @property
    def model(self) -> str:
        """What is solved."""
        return "linearised ODE on the deterministic equivalent, v = 4 M"

    @cache  # noqa: B019
    def at(self, M: float) -> Family:
        """Modes and clock at model size M."""
        return equivalent_family(self.optimizer, equivalent(self.alpha, self.beta, M), overshoot=True)

    def sizes(self, largest: float) -> Array:
        """Powers of two from 8."""
        return 2.0 ** np.arange(3.0, min(60.0, np.log2(largest) * 0.9))

    def rates(self, M: float, longest: float) -> Array:
        """Factors of two down from a rate whose noise is of order one."""
        family = self.at(M)
        top = 2.0 / (float(family.modes.noise.sum()) * float(family.clock.cost(1.0)))
        if self.optimizer.rate == "largest":
            return np.array([0.5 * top])
        low = min(top / 8, 1 / (float(family.clock.speed(2 * family.modes.floor)) * longest))
        return top * 2.0 ** -np.arange(-1.0, np.log2(top / low) + 1)

    def curves(self, M: float, rates: Array, steps: Array) -> Array:
        """Risks of shape (rates, steps)."""
        family = self.at(M)
        path = integrate(family.modes, rates, np.full(len(rates), steps[-1]), family.clock, h=0.2)
        return np.stack([path.at(steps, row) for row in range(len(rates))])

    def each(self, sizes: Array, rates: Array, steps: Array) -> Array:
        """The risk for every triple (M, rate, N) of three arrays of one shape, all integrated at once."""
        modes = stacked([self.at(M).modes for M in sizes.tolist()])
        return integrate(modes, rates, steps, self.at(float(sizes[0])).clock, h=0.3).after(steps)


@dataclass(frozen=True)
class SampledDynamics:
    """SGD or signSGD, sampled on sampled sketches."""

    optimizer: Optimizer
    alpha: float
    beta: float
    seed: int = 0
    sketches: int = 3
    runs: int = 24

    @property
    def model(self) -> str:
        """What is done."""
        return f"{self.runs * self.sketches * REPLICAS} sampled runs on {self.sketches * REPLICAS} sketches, v = 4 M"

    def sizes(self, largest: float) -> Array:
        """Powers of sqrt 2 from 4 to 512."""
        return np.round(2.0 ** np.arange(2.0, min(np.log2(LARGEST), np.log2(largest) * 0.97) + 0.1, 0.5))

    def rates(self, M: float, longest: float) -> Array:
        """SGD: a quarter of the largest stable rate (nearer to it single runs have no useful mean), and factors of four
        down if the rate is free. signSGD: as for the linearised ODE, the eight largest."""
        if is_sgd(self.optimizer):
            top = 0.25 * equivalent(self.alpha, self.beta, M).largest_stable_rate()
            return np.array([top]) if self.optimizer.rate == "largest" else top * 4.0 ** -np.arange(0.0, 5.0)
        return EquivalentOde(self.optimizer, self.alpha, self.beta).rates(M, longest)[1:9]

    def curves(self, M: float, rates: Array, steps: Array) -> Array:
        """Risks of shape (rates, steps), their mean over sketches and runs."""
        kind = "signsgd" if is_sign(self.optimizer) else "sgd"
        whole = np.round(steps)
        problems = _problems(self.alpha, self.beta, int(M), self.seed, self.sketches)
        return np.mean(
            [simulate(p, kind, rates, whole, self.runs, (self.seed, k)).mean for k, p in enumerate(problems)], axis=0
        )


LARGEST = 512
"""Model size up to which sketches are sampled."""


@cache
def _normals(seed: int) -> Array:
    return np.random.default_rng([seed, 0xE17E]).standard_normal((4 * LARGEST, LARGEST))


@cache
def _problems(alpha: float, beta: float, M: int, seed: int, sketches: int) -> tuple[Regression, ...]:
    """Sketches of all sizes are corners of the same normal matrices: so that risks are smooth functions of M."""
    return tuple(sketched(alpha, beta, _normals(1000 * seed + k)[: 4 * M, :M] / np.sqrt(M)) for k in range(sketches))


def dynamics(engine: str, optimizer: Optimizer, alpha: Fraction, beta: Fraction) -> tuple[list[Dynamics], float]:
    """The replicas of an engine (one if it has no scatter) and the largest compute it is good for by default.

    Raises
    ------
    BadProblem : an unknown engine, or an optimizer it cannot run.
    """
    a, b = float(alpha), float(beta)
    if engine == "mode":
        return [ModeDynamics(optimizer, alpha, beta)], 1e24
    if engine == "ode":
        if is_sgd(optimizer):
            return [EquivalentDynamics(optimizer, a, b)], 1e20
        return [EquivalentOde(optimizer, a, b)], 1e20
    if engine == "montecarlo":
        if not (is_sgd(optimizer) or is_sign(optimizer)):
            raise BadProblem(f"expected sgd or signsgd with engine montecarlo, got {optimizer.name}")
        return [SampledDynamics(optimizer, a, b, seed) for seed in range(REPLICAS)], 1e5
    raise BadProblem(f"expected an engine, one of {', '.join(ENGINES)}, got {engine[:40]!r}")
