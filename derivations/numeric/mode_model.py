"""The family on power-law modes without a sketch, and its compute-optimal envelope at astronomically large compute.

Mode j <= M has Lambda_j = j^(-2 alpha) and carries j^(-2 alpha - 2 beta) of the risk, plus what the sketch mixes into
it, (1/M) Lambda_j sum_(i<=j) i^(-2 beta); the floor is M^(-2 alpha) sum_(j<=M) j^(-2 beta) plus the tail beyond M.
Modes are the nodes of a Gauss quadrature (`mode_sums`), so M = 2^80 costs as much as M = 1000. Constants of order one
are dropped: exponents are what it is for. None of the lemmas of the derivation is used.

Envelope: for each compute f the risk at N = f/M is minimised over a grid of M and of learning rates, both refined by
parabolas in the logarithms.

Source: the family of arXiv:2411.12135 and arXiv:2405.15074 with power-law spectra; `derivations.optimizers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from derivations.exponents import PARAMETERS, value
from derivations.grammar import parse
from derivations.numeric.family import Law, Modes, integrate
from derivations.numeric.mode_sums import mode_nodes
from derivations.numeric.regression import Array
from derivations.optimizers import Optimizer
from derivations.schedules import CONSTANT, Schedule


def mode_model(optimizer: Optimizer, alpha: Fraction, beta: Fraction, M: float) -> tuple[Modes, Law, Law, float]:
    """Modes, speed and strength (see `family`) at model size M, and a rate at which the noise is of order one.

    >>> from derivations.optimizers import registered
    >>> modes, speed, strength, rate = mode_model(registered()["sgd"], Fraction(1), Fraction(1), 2.0**40)
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
    total = float(count @ spectrum)
    rate = 2 * c / (total if not kappa else float(spectrum.max()))
    modes = Modes(rates, shares, count * spectrum, floor)
    return modes, lambda L: c * L**-kappa, lambda L: L ** (1 - 2 * kappa), rate


def _sum_to(j: Array, power: float) -> Array:
    """sum_(i <= j) i^(-power) for each j: directly up to 20, by Euler and Maclaurin beyond."""
    head = np.concatenate([[0.0], np.cumsum(np.arange(1, 21, dtype=float) ** -power)])
    whole = head[np.minimum(j, 20).astype(int)]
    tail = np.log(j / 20) if power == 1 else (j ** (1 - power) - 20.0 ** (1 - power)) / (1 - power)
    tail = tail + (j**-power - 20.0**-power) / 2
    return np.where(j <= 20, whole, head[20] + tail)


@dataclass(frozen=True, eq=False)
class Envelope:
    """The best risk at each compute f, with the model size and learning rate that reach it."""

    compute: Array
    risk: Array
    size: Array
    rate: Array


def envelope(
    optimizer: Optimizer,
    alpha: Fraction,
    beta: Fraction,
    largest: float = 1e24,
    schedule: Schedule = CONSTANT,
    per_decade: int = 2,
) -> Envelope:
    """The compute-optimal envelope from f = 1e4 to ``largest``.

    >>> from derivations.optimizers import registered
    >>> found = envelope(registered()["sgd"], Fraction(1), Fraction(1, 4), 1e12)
    >>> bool(found.risk[-1] < found.risk[0])
    True
    """
    decades = np.log10(largest) - 4
    compute = np.logspace(4, np.log10(largest), int(decades * per_decade) + 1)
    sizes = np.round(2.0 ** np.arange(1, np.log2(largest) * 0.97, 0.5))
    best = np.full((len(sizes), len(compute)), np.inf)
    best_rate = np.full_like(best, np.nan)
    for k, M in enumerate(sizes):
        modes, speed, strength, top = mode_model(optimizer, alpha, beta, M)
        steps = compute / M
        usable = np.flatnonzero(steps >= 4)
        if not len(usable):
            continue
        last = steps[-1]
        if optimizer.rate == "largest":
            rates = np.array([0.5 * top])
        else:
            low = min(top / 8, 1 / (float(speed(np.array([1.0]))[0]) * last))
            rates = top * 2.0 ** -np.arange(-1.0, np.log2(top / low) + 1, 0.5)
        table = np.full((len(rates), len(compute)), np.inf)
        if schedule.constant:
            path = integrate(modes, rates, np.full(len(rates), last), speed, strength, growth=0.2)
            for r in range(len(rates)):
                if np.isfinite(path.risk[-1, r]):
                    n, L = path.steps[1:, r], path.risk[1:, r]
                    table[r, usable] = np.exp(np.interp(np.log(steps[usable]), np.log(n), np.log(L)))
        else:
            for i in usable:
                path = integrate(modes, rates, np.full(len(rates), steps[i]), speed, strength, schedule, 0.2)
                table[:, i] = np.where(np.isfinite(path.risk[-1]), path.risk[-1], np.inf)
        best[k], best_rate[k] = _minimum(np.log(rates), table)
    log_risk, at = _minimum(np.log(sizes), best, logged=True)
    keep = np.flatnonzero(np.isfinite(log_risk))
    rate = np.empty(len(keep))
    for k, i in enumerate(keep):  # at the refined size, by linear interpolation between neighbouring sizes
        fine = np.isfinite(best[:, i])
        rate[k] = np.interp(at[i], np.log(sizes)[fine], best_rate[fine, i])
    return Envelope(compute[keep], np.exp(log_risk[keep]), np.exp(at[keep]), np.exp(rate))


def _minimum(grid: Array, table: Array, logged: bool = False) -> tuple[Array, Array]:
    """Minimum of each column of log table over the grid, refined by a parabola: (log minimum, place)."""
    with np.errstate(divide="ignore"):
        values = table if logged else np.log(table)
    k = np.argmin(values, axis=0)
    columns = np.arange(values.shape[1])
    lowest, place = values[k, columns].copy(), grid[k].astype(float)
    for i in columns:
        if 0 < k[i] < len(grid) - 1 and np.isfinite(values[k[i] - 1 : k[i] + 2, i]).all():
            left, middle, right = values[k[i] - 1 : k[i] + 2, i]
            bend = left - 2 * middle + right
            if bend > 0:
                shift = 0.5 * (left - right) / bend
                place[i] += shift * (grid[k[i]] - grid[k[i] - 1])
                lowest[i] = middle - 0.25 * (left - right) * shift
    return lowest, place
