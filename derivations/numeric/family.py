"""The one family of dynamics, integrated in intrinsic time: linearised ODEs of SGD, signSGD and all between.

Modes with rates Lambda_j carry shares q_j of the risk L = floor + sum_j q_j. A step of learning rate gamma moves
intrinsic time by d tau = gamma * speed(L) and injects gamma^2 * strength(L) * Lambda_j * s_j, so

    dq_j/dtau = -2 Lambda_j q_j + g Lambda_j s_j,   g = gamma strength(L)/speed(L),   dn = dtau/(gamma speed(L)).

Over a step in tau, g is taken linear and the rest is exact, which leaves one scalar equation for L at its end. Steps
grow in proportion to tau, so ten decades take some hundred steps; many learning rates advance together, one row each.

Source: risk ODEs of arXiv:2411.12135 in the eigenbasis; exponential trapezoidal rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from derivations.numeric.regression import Array
from derivations.schedules import CONSTANT, Schedule

_LONGEST = 100_000
"""Steps in tau after which a run is given up."""

Law = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Modes:
    """Rates Lambda_j, initial shares q_j and noise s_j, arrays of shape (modes,), and the floor of L."""

    rates: Array
    shares: Array
    noise: Array
    floor: float

    @property
    def start(self) -> float:
        """L at tau = 0."""
        return self.floor + float(self.shares.sum())


@dataclass(frozen=True, eq=False)
class Path:
    """A solution: steps n, risks L and times tau, arrays of shape (points, learning rates)."""

    steps: Array
    risk: Array
    tau: Array

    def at(self, steps: Array, row: int = 0) -> Array:
        """L at the given steps for one learning rate, by a cubic spline in the logarithms."""
        n, L = self.steps[:, row], self.risk[:, row]
        out = np.full(len(steps), L[0])
        later = steps > n[1]
        good = np.concatenate([[False], np.diff(n) > 1e-12 * n[1:]]) & np.isfinite(L)
        spline = CubicSpline(np.log(n[good]), np.log(L[good]))
        out[later] = np.exp(spline(np.log(np.minimum(steps[later], n[good][-1]))))
        early = ~later & (steps > 0)
        out[early] = L[0] + (L[1] - L[0]) * steps[early] / n[1]
        return out


def integrate(
    modes: Modes,
    rates: Array,
    steps: Array,
    speed: Law,
    strength: Law,
    schedule: Schedule = CONSTANT,
    growth: float = 0.08,
) -> Path:
    """Integrate to at least the given number of steps, for all learning rates at once.

    Parameters
    ----------
    rates, steps : learning rates and final numbers of steps, shape (rows,).
    speed, strength : functions of an array of risks, see the module.
    growth : step in tau as a fraction of tau; the error is of second order in it.

    A row whose risk grows without bound ends at infinity.
    """
    gamma = np.asarray(rates, dtype=float)
    N = np.broadcast_to(np.asarray(steps, dtype=float), gamma.shape)
    run = _Run(modes, speed, strength, np.tile(modes.shares, (len(gamma), 1)), np.full(len(gamma), modes.start))
    n, tau = np.zeros(len(gamma)), np.zeros(len(gamma))
    rate = gamma * _factor(schedule, n, N)
    history = [(n, run.risk, tau)]
    # the first step: small against one optimizer step and against the fastest mode
    h = 0.02 * np.minimum(gamma * speed(run.risk), 1.0 / modes.rates.max())
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while (going := (n < N) & np.isfinite(run.risk)).any() and len(history) < _LONGEST:
            if schedule.constant:
                h = np.where(going, h, 0.0)
                spent = run.advance(h, rate, rate)
                n = n + np.where(going, spent, 0.0)
            else:
                left = np.where(going, N - n, 0.0)
                reach = growth * np.minimum(np.maximum(n, 1e-4 * N), np.maximum(left, 1e-2 * N))
                ahead = np.maximum(rate, gamma * _factor(schedule, np.minimum(n + reach, N), N))
                dn = np.minimum(left, np.minimum(reach, h / np.maximum(ahead * speed(run.risk), 1e-300)))
                new_rate = gamma * _factor(schedule, n + dn, N)
                h = run.advance_steps(dn, rate, new_rate)
                n, rate = np.where(dn == left, N, n + dn), new_rate
            tau = tau + h
            history.append((n, run.risk, tau))
            h = growth * tau
    return Path(*(np.array([entry[k] for entry in history]) for k in range(3)))


def _factor(schedule: Schedule, n: Array, N: Array) -> Array:
    if schedule.constant:
        return np.ones(len(n))
    return np.array([schedule.factor(x) for x in n / N])


@dataclass(eq=False)
class _Run:
    """The state of all rows, and one exponential trapezoidal step."""

    modes: Modes
    speed: Law
    strength: Law
    shares: Array
    risk: Array

    def gain(self, risk: Array, rate: Array) -> Array:
        """g, the noise per intrinsic time."""
        return rate * self.strength(risk) / self.speed(risk)

    def _end(self, h: Array, rate: Array, new_rate: Array) -> tuple[Array, Array, Array, Array]:
        """What is lost and averaged over a step of length h, noise gain at its start, and the risk at its end."""
        x = 2 * h[:, None] * self.modes.rates
        lost = -np.expm1(-x)
        rest = np.where(x > 1e-5, 1 - lost / np.where(x > 0, x, 1.0), x / 2)
        half = 0.5 * self.modes.noise
        g0 = self.gain(self.risk, rate)
        new = rest @ half
        base = self.modes.floor + (self.shares - lost * self.shares).sum(axis=1) + g0 * (lost @ half - new)
        after = self.risk
        for _ in range(8):
            both = np.stack([after, after * (1 + 1e-6)])
            g, nudged = self.gain(both, new_rate)
            slope = (nudged - g) / (both[1] - after)
            solved = (base + new * (g - slope * after)) / (1 - new * slope)
            solved = np.where(solved > 0, solved, np.inf)
            settled = not (np.abs(solved - after) > 1e-12 * after).any()
            after = solved
            if settled:
                break
        return lost, rest, g0, after

    def _commit(self, lost: Array, rest: Array, g0: Array, new_rate: Array, after: Array) -> None:
        g1 = self.gain(after, new_rate)
        self.shares = self.shares - lost * self.shares
        self.shares += 0.5 * self.modes.noise * (g0[:, None] * lost + (g1 - g0)[:, None] * rest)
        self.risk = after

    def advance(self, h: Array, rate: Array, new_rate: Array) -> Array:
        """A step of length h in tau; returns the optimizer steps it took."""
        lost, rest, g0, after = self._end(h, rate, new_rate)
        spent = 0.5 * h * (1 / (rate * self.speed(self.risk)) + 1 / (new_rate * self.speed(after)))
        self._commit(lost, rest, g0, new_rate, after)
        return spent

    def advance_steps(self, dn: Array, rate: Array, new_rate: Array) -> Array:
        """dn optimizer steps; returns the intrinsic time they took."""
        pace = rate * self.speed(self.risk)
        after = self.risk
        for _ in range(3):
            h = 0.5 * dn * (pace + new_rate * self.speed(after))
            lost, rest, g0, after = self._end(h, rate, new_rate)
        self._commit(lost, rest, g0, new_rate, after)
        return h


def extrapolated(solve: Callable[[float], Path], steps: Array, growth: float = 0.16, row: int = 0) -> Array:
    """Richardson's extrapolation of a path's risk at the given steps: fourth order in the step."""
    coarse, fine = solve(growth).at(steps, row), solve(growth / 2).at(steps, row)
    return np.exp((4 * np.log(fine) - np.log(coarse)) / 3)
