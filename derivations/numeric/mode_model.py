"""The family on power-law modes without a sketch, at astronomically large compute.

Mode j <= M has Lambda_j = j^(-2 alpha) and carries j^(-2 alpha - 2 beta) of the risk, plus what the sketch mixes into
it, (1/M) Lambda_j sum_(i<=j) i^(-2 beta); the floor is M^(-2 alpha) sum_(j<=M) j^(-2 beta) plus the tail beyond M.
Modes are the nodes of a Gauss quadrature (`mode_sums`), so M = 2^80 costs as much as M = 1000. Constants of order one
are dropped: exponents are what it is for. None of the lemmas of the derivation is used. Steps longer than the fastest
mode's time overshoot (`family.overshooting`), so that no rate is better for being too large.

Source: the family of arXiv:2411.12135 and arXiv:2405.15074 with power-law spectra; `derivations.optimizers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from derivations.exponents import PARAMETERS, value
from derivations.grammar import parse
from derivations.numeric.clocks import Clock, PowerClock
from derivations.numeric.family import Modes, integrate, overshooting, stacked
from derivations.numeric.mode_sums import mode_nodes
from derivations.numeric.regression import Array
from derivations.optimizers import Optimizer
from derivations.schedules import CONSTANT, Schedule


def mode_model(optimizer: Optimizer, alpha: Fraction, beta: Fraction, M: float) -> tuple[Modes, Clock, float]:
    """Modes and clock (see `family`) at model size M, and a rate at which the noise is of order one.

    >>> from derivations.optimizers import registered
    >>> modes, clock, rate = mode_model(registered()["sgd"], Fraction(1), Fraction(1), 2.0**40)
    >>> bool(modes.floor < 1e-20), len(modes.rates) < 200
    (True, True)
    """

    def at(text: str) -> float:
        return float(value(parse(text, PARAMETERS), (alpha, beta)))

    a, b = float(alpha), float(beta)
    j, count = mode_nodes(M, growth=4.0, order=6, direct=8)
    rates = j ** (-2 * a)
    target = _sum_to(j, 2 * b)
    shares = count * rates * (j ** (-2 * b) + target / M)
    spectrum = np.zeros_like(rates)
    for part in optimizer.noise:
        spectrum += M ** at(part.scale) * j ** -at(part.decay)
    floor = M ** (-2 * a) * float(_sum_to(np.array([M]), 2 * b)[0]) + M ** (1 - 2 * a - 2 * b) / (2 * a + 2 * b - 1)
    kappa, c = float(optimizer.kappa), M ** at(optimizer.clock)
    clock = PowerClock(kappa, c)
    modes = overshooting(Modes(rates, shares, count * spectrum, floor), clock, count)
    total = float(modes.noise.sum())
    rate = 2 * c / (total if not kappa else max(float(spectrum.max()), float(modes.noise[0])))
    return modes, clock, rate


def _sum_to(j: Array, power: float) -> Array:
    """sum_(i <= j) i^(-power) for each j: directly up to 20, by Euler and Maclaurin beyond."""
    head = np.concatenate([[0.0], np.cumsum(np.arange(1, 21, dtype=float) ** -power)])
    whole = head[np.minimum(j, 20).astype(int)]
    tail = np.log(j / 20) if power == 1 else (j ** (1 - power) - 20.0 ** (1 - power)) / (1 - power)
    tail = tail + (j**-power - 20.0**-power) / 2
    return np.where(j <= 20, whole, head[20] + tail)


@dataclass(frozen=True)
class ModeDynamics:
    """What `derivations.numeric.envelope` asks of an engine, answered by the mode model."""

    optimizer: Optimizer
    alpha: Fraction
    beta: Fraction
    schedule: Schedule = CONSTANT
    h: float = 0.3

    @property
    def model(self) -> str:
        """What is solved."""
        return "linearised ODE on power-law modes"

    def sizes(self, largest: float) -> Array:
        """Model sizes to search."""
        return np.round(2.0 ** np.arange(1.0, np.log2(largest) * 0.97))

    def rates(self, M: float, longest: float) -> Array:
        """Learning rates to search, from the largest useful one down to one that barely moves in ``longest`` steps."""
        modes, clock, top = mode_model(self.optimizer, self.alpha, self.beta, M)
        if self.optimizer.rate == "largest":
            return np.array([0.5 * top])
        low = min(top / 8, 1 / (float(clock.speed(2 * modes.floor)) * longest))
        return top * 2.0 ** -np.arange(-1.0, np.log2(top / low) + 1)

    def curves(self, M: float, rates: Array, steps: Array) -> Array:
        """Risks of shape (rates, steps)."""
        modes, clock, _ = mode_model(self.optimizer, self.alpha, self.beta, M)
        if not self.schedule.constant:
            return np.stack(
                [integrate(modes, rates, np.full(len(rates), n), clock, self.schedule, self.h).risk[-1] for n in steps],
                axis=1,
            )
        path = integrate(modes, rates, np.full(len(rates), steps[-1]), clock, h=self.h)
        table = np.full((len(rates), len(steps)), np.inf)
        for r in range(len(rates)):
            if np.isfinite(path.risk[-1, r]):
                n, L = path.steps[1:, r], path.risk[1:, r]
                table[r] = np.exp(np.interp(np.log(steps), np.log(n), np.log(L)))
        return table

    def each(self, sizes: Array, rates: Array, steps: Array) -> Array:
        """The risk for every triple (M, rate, N) of three arrays of one shape, all integrated at once."""
        models = {M: mode_model(self.optimizer, self.alpha, self.beta, M)[0] for M in np.unique(sizes)}
        modes = stacked([models[M] for M in sizes])
        c = sizes ** float(value(parse(self.optimizer.clock, PARAMETERS), (self.alpha, self.beta)))
        clock = PowerClock(float(self.optimizer.kappa), c)
        path = integrate(modes, rates, steps, clock, self.schedule, self.h)
        return path.after(steps)
