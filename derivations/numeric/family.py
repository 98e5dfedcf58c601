"""The one family of dynamics, integrated in intrinsic time: linearised ODEs of SGD, signSGD and all between.

Modes with rates Lambda_j carry shares q_j of the risk L = floor + sum_j q_j. A step of learning rate gamma moves
intrinsic time by d tau = gamma * speed(L) and injects gamma^2 * strength(L) * Lambda_j * s_j (`clocks`), so

    dq_j/dtau = -2 Lambda_j q_j + g Lambda_j s_j,   g = gamma strength(L)/speed(L),   dn = dtau/(gamma speed(L)).

Over a step in tau, g is taken linear and the rest is exact, which leaves one scalar equation for L at its end. The grid
tau_k = a (e^(h k) - 1) does not depend on the learning rate: what a step does to a mode is set up once and serves every
rate, and ten decades take some hundred steps. As the grid is a smooth map of k, errors have an expansion in h^2, which
Richardson's extrapolation removes (`Family.curve`).

Source: risk ODEs of arXiv:2411.12135 in the eigenbasis; exponential trapezoidal rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import numpy as np
from scipy.interpolate import CubicSpline

from derivations.numeric.clocks import Clock, Number, PowerClock
from derivations.numeric.regression import Array, NoConvergence
from derivations.schedules import CONSTANT, Schedule

LONGEST = 20_000
"""Steps of an integrator after which a run is given up."""
LEAP = 1.5
"""A rise of the risk in one step in tau by more than this factor needs steps in n."""
STILL = 1e-3
"""Noise that exceeds what decays by less than this fraction is at rest."""
FIRST = 0.1
"""a in units of the fastest mode's time."""


@dataclass(frozen=True, eq=False)
class Modes:
    """Rates Lambda_j, initial shares q_j and noise s_j, arrays of shape (modes,), and the floor of L.

    Rows of `integrate` may each have modes of their own: then the arrays have shape (rows, modes), floor (rows,).
    """

    rates: Array
    shares: Array
    noise: Array
    floor: Array | float

    @property
    def start(self) -> Array:
        """L at tau = 0."""
        return self.floor + self.shares.sum(axis=-1)

    @cached_property
    def grids(self) -> dict[float, Grid]:
        """Grids set up so far, by h."""
        return {}

    def grid(self, h: float) -> Grid:
        """The grid of step h; kept for modes that many rates share."""
        if self.rates.ndim > 1:
            return Grid(self, h)
        return self.grids.setdefault(h, Grid(self, h))


def stacked(models: Sequence[Modes]) -> Modes:
    """Modes with a row each, padded with modes that carry nothing.

    >>> one = Modes(np.ones(1), np.ones(1), np.ones(1), 0.5)
    >>> stacked([one, Modes(np.ones(2), np.ones(2), np.ones(2), 0.0)]).start.tolist()
    [1.5, 2.0]
    """
    longest = max(len(m.rates) for m in models)

    def rows(name: str) -> Array:
        out = np.zeros((len(models), longest))
        for row, m in zip(out, models, strict=True):
            row[: len(m.rates)] = getattr(m, name)
        return out

    return Modes(rows("rates"), rows("shares"), rows("noise"), np.array([m.floor for m in models], dtype=float))


def overshooting(modes: Modes, clock: Clock, count: Array) -> Modes:
    """The same modes, the fastest with at least the noise that an overshooting step leaves in it.

    A step of s = gamma speed(L) Lambda times a mode's own time takes its share q to (1 - s)^2 q, where the linear ODE
    has exp(-2 s) q: it knows no step that is too long. The difference, s^2 q, is at most s^2 L; as noise in the fastest
    mode it stops the risk from falling where s = 2, and is invisible where s is small. SGD's own noise is as large, and
    signSGD's larger, so that nothing changes there; without it (preconditioning without reshaping) the best rate of the
    ODE would have steps as long as one likes. ``count`` says how many modes each entry stands for: the fastest whole
    mode may be spread over several.

    >>> from derivations.numeric.clocks import PowerClock
    >>> some = Modes(np.array([2.0, 1.0]), np.ones(2), np.array([0.5, 0.5]), 0.0)
    >>> overshooting(some, PowerClock(0.5, c=3.0), np.ones(2)).noise.round(9).tolist()
    [18.0, 0.5]
    """
    order = np.argsort(-modes.rates)
    whole = np.minimum(np.cumsum(count[order]), 1.0)
    part = np.empty_like(whole)
    part[order] = np.diff(whole, prepend=0.0)
    strength = float(clock.speed(modes.start) * modes.start / clock.cost(modes.start))
    return Modes(modes.rates, modes.shares, np.maximum(modes.noise, part * strength * modes.rates), modes.floor)


@dataclass(eq=False)
class Grid:
    """Steps in tau and what they do to the modes, worked out when first needed."""

    modes: Modes
    h: float

    def __post_init__(self) -> None:
        self._kept: list[tuple[float, Array, Array, Array, Number, Number, Number]] = []
        self._first = FIRST / float(self.modes.rates.max())

    def time(self, k: int) -> float:
        """tau_k."""
        return self._first * float(np.expm1(self.h * k))

    def step(self, k: int) -> tuple[float, Array, Array, Array, Number, Number, Number]:
        """From tau_k to tau_(k+1): its length, decay, weights of g at both ends, share of the start left at the end
        (summed over modes with the floor), and both weights' sums."""
        if k < len(self._kept):
            return self._kept[k]
        m = self.modes
        length = self.time(k + 1) - self.time(k)
        x = 2 * length * m.rates
        lost = -np.expm1(-x)
        rest = np.where(x > 1e-5, 1 - lost / np.where(x > 0, x, 1.0), x / 2)
        new = 0.5 * m.noise * rest
        old = 0.5 * m.noise * lost - new
        forcing = m.floor + np.sum(m.shares * np.exp(-2 * self.time(k + 1) * m.rates), axis=-1)
        sums = (forcing, old.sum(axis=-1), new.sum(axis=-1))
        if m.rates.ndim > 1:
            return length, 1 - lost, old, new, *sums
        forcing, old_sum, new_sum = map(float, sums)
        self._kept.append((length, 1 - lost, old, new, forcing, old_sum, new_sum))
        return self._kept[k]


@dataclass(frozen=True, eq=False)
class Path:
    """A solution: steps n and risks L, arrays of shape (points, learning rates)."""

    steps: Array
    risk: Array
    gridded: bool = True

    def at(self, steps: Array, row: int = 0) -> Array:
        """L at the given steps for one learning rate, by cubic splines in the logarithms.

        Along a grid, L and n are smooth functions of its index even where L falls steeply in n: n is inverted by
        Newton's method on its spline.
        """
        n, L = self.steps[:, row], self.risk[:, row]
        if not (np.isfinite(L).all() and (L > 0).all()):
            return np.full(len(steps), np.inf)
        wanted = np.minimum(steps, n[-1])
        if len(n) < 4:
            return np.interp(wanted, n, L)
        if not self.gridded:
            good = np.concatenate([[True], np.diff(n) > 1e-12 * n[1:]])
            return np.exp(CubicSpline(np.log1p(n[good] / n[1]), np.log(L[good]))(np.log1p(wanted / n[1])))
        index = np.arange(len(n), dtype=float)
        unit = n[1] ** 2 / (n[2] - 2 * n[1]) if n[2] > 2 * n[1] else n[1]  # log(1 + n/unit) is about h times the index
        logs = np.log1p(n / unit)
        clock = CubicSpline(index, logs)
        target = np.log1p(wanted / unit)
        at = np.interp(target, logs, index)
        low = np.floor(np.minimum(at, len(n) - 2))
        for _ in range(4):
            at = np.clip(at - (clock(at) - target) / np.maximum(clock(at, 1), 1e-12), low, low + 1)
        return np.exp(CubicSpline(index, np.log(L))(at))

    def after(self, steps: Array) -> Array:
        """L of every row after its own number of steps; infinite where it grew.

        Logarithms are interpolated by cubics through four points (linearly from the start to the first).
        """
        n, L = self.steps, self.risk
        rows = np.arange(n.shape[1])
        k = np.clip((n < steps).sum(axis=0), 1, len(n) - 1)  # n[k - 1] < steps <= n[k]
        first = np.clip(k - 2, 1, max(1, len(n) - 4))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            out = L[0, rows] * np.exp(steps / n[1, rows] * np.log(L[1, rows] / L[0, rows]))
            if len(n) > 4:
                x = [np.log(n[first + i, rows] / steps) for i in range(4)]
                y = [np.log(L[first + i, rows]) for i in range(4)]
                cubic = np.zeros(len(rows))
                for i in range(4):
                    weight = np.ones(len(rows))
                    for j in range(4):
                        if j != i:
                            weight *= x[j] / (x[j] - x[i])
                    cubic += weight * y[i]
                out = np.where(k > 1, np.exp(cubic), out)
        return np.where(np.isfinite(L[k, rows]) & np.isfinite(out), out, np.inf)


def integrate(
    modes: Modes,
    rates: Array,
    steps: Array,
    clock: Clock,
    schedule: Schedule = CONSTANT,
    h: float = 0.08,
    in_steps: bool = False,
) -> Path:
    """Integrate to at least the given number of steps, for all learning rates at once.

    Parameters
    ----------
    rates, steps : learning rates and final numbers of steps, shape (rows,).
    clock : speed and strength as functions of an array of risks.
    h : step in log tau (with a schedule, in log n too); the error is of second order in it.
    in_steps : choose steps in n even if the rate is constant.

    A row whose risk grows without bound ends at infinity.

    Raises
    ------
    NoConvergence : the dynamics need more than `LONGEST` steps.
    """
    gamma = np.asarray(rates, dtype=float)
    N = np.broadcast_to(np.asarray(steps, dtype=float), gamma.shape)
    if in_steps or not schedule.constant:
        return _scheduled(modes, gamma, N, clock, schedule, h)
    if len(gamma) == 1 and modes.rates.ndim == 1:
        n, L = _constant(modes.grid(h), float(gamma[0]), float(N[0]), clock)
        path = Path(n[:, None], L[:, None])
    else:
        path = Path(*_constant(modes.grid(h), gamma, N, clock))
    with np.errstate(invalid="ignore"):
        leaps = (path.risk[1:] > LEAP * path.risk[:-1]) & np.isfinite(path.risk[1:])
    if leaps.any() and not isinstance(clock, PowerClock):  # a sign that sees nothing but label noise: tau stands still
        return _scheduled(modes, gamma, N, clock, schedule, h)
    return path


def _constant(grid: Grid, gamma: Number, N: Number, clock: Clock) -> tuple[Array, Array]:
    """Steps and risks along the grid; one rate is a float, several are an array."""
    modes = grid.modes
    several = isinstance(gamma, np.ndarray)
    noise = np.zeros((len(gamma), modes.rates.shape[-1]) if several else modes.rates.shape)
    L: Number = np.broadcast_to(modes.start, gamma.shape) if several else float(modes.start)
    n: Number = 0.0 * gamma
    pace, g = gamma * clock.speed(L), gamma * clock.cost(L)
    steps, risks = [n], [L]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for k in count():
            if not (np.any((n < N) & np.isfinite(L)) if several else n < N and np.inf > L):
                break
            check_length(k + 1)
            length, decay, old, new, forcing, old_sum, new_sum = grid.step(k)
            base = forcing + _over_modes(noise, decay) + g * old_sum
            L = clock.settle(base, gamma * new_sum, L)
            later = gamma * clock.cost(L)
            noise *= decay
            if several:
                noise += g[:, None] * old
                noise += later[:, None] * new
            else:
                noise += g * old
                noise += later * new
            after = gamma * clock.speed(L)
            n = n + 0.5 * length * (1 / pace + 1 / after)
            pace, g = after, later
            steps.append(n)
            risks.append(L)
    return np.array(steps), np.array(risks)


def check_length(steps: int) -> None:
    """Raise NoConvergence after too many steps of an integrator."""
    if steps > LONGEST:
        raise NoConvergence(f"expected dynamics that {LONGEST} steps of the integrator resolve, these need more")


def _over_modes(values: Array, weights: Array) -> Number:
    return values @ weights if weights.ndim == 1 else np.einsum("rm,rm->r", values, weights)


def _scheduled(modes: Modes, gamma: Array, N: Array, clock: Clock, schedule: Schedule, h: float) -> Path:
    """Steps bounded in tau and in n, so that the schedule's end is resolved."""
    rate, n, tau = gamma * _factor(schedule, 0 * N, N), np.zeros(len(gamma)), np.zeros(len(gamma))
    shares = np.broadcast_to(modes.shares, (len(gamma), modes.shares.shape[-1]))
    L = np.broadcast_to(modes.start, gamma.shape)
    half = 0.5 * modes.noise
    steps, risks = [n], [L]
    ahead = FIRST * h / modes.rates.max(axis=-1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while ((n < N) & np.isfinite(L)).any():
            check_length(len(steps))
            left, longest = N - n, np.array([reach(schedule, *at, h) for at in zip(n, N, strict=True)])
            fastest = np.maximum(rate, gamma * _factor(schedule, np.minimum(n + longest, N), N))
            dn = np.minimum(left, np.minimum(longest, ahead / np.maximum(fastest * clock.speed(L), 1e-300)))
            if not isinstance(clock, PowerClock):
                gained = rate * clock.cost(L) * (modes.rates * modes.noise).sum(axis=-1)
                lost = 2 * (modes.rates * shares).sum(axis=-1)
                rising = np.where(gained - lost > STILL * gained, (gained - lost) * rate * clock.speed(L), 0.0)
                dn = np.minimum(dn, h * L / np.maximum(rising * clock_bend(clock, L), 1e-300))
            after = np.where(dn == left, N, n + dn)
            new_rate = gamma * _factor(schedule, after, N)
            pace, g, end = rate * clock.speed(L), rate * clock.cost(L), L
            for _ in range(3):
                length = 0.5 * dn * (pace + new_rate * clock.speed(end))
                x = 2 * length[:, None] * modes.rates
                lost = -np.expm1(-x)
                rest = np.where(x > 1e-5, 1 - lost / np.where(x > 0, x, 1.0), x / 2)
                new = _over_modes(rest, half)
                kept = (shares - lost * shares).sum(axis=1)
                base = modes.floor + kept + g * (_over_modes(lost, half) - new)
                end = clock.settle(base, new_rate * new, end)
            shares = shares - lost * shares
            shares += half * (g[:, None] * lost + (new_rate * clock.cost(end) - g)[:, None] * rest)
            L, n, rate, tau = end, after, new_rate, tau + length
            ahead = h * (tau + FIRST / modes.rates.max(axis=-1))
            steps.append(n)
            risks.append(L)
    return Path(np.array(steps), np.array(risks), gridded=False)


def clock_bend(clock: Clock, risk: Number) -> Number:
    """|d log speed/d log L|, at least one: by how much more than the risk itself the clock changes."""
    return np.maximum(1.0, np.abs(np.log(clock.speed(1.001 * risk) / clock.speed(risk))) / np.log(1.001))


def reach(schedule: Schedule, n: float, N: float, h: float) -> float:
    """The longest step in n that resolves a schedule: up to its next bend, and a fraction h of what it changes over."""
    bend, change = schedule.reach(n / N)
    return N * max(min(bend, h * change), 1e-7)


def _factor(schedule: Schedule, n: Array, N: Array) -> Array:
    return np.array([schedule.factor(x) for x in n / N])


@dataclass(frozen=True, eq=False)
class Family:
    """One member of the family: modes and clock."""

    modes: Modes
    clock: Clock

    def curve(self, rate: float, steps: Array, schedule: Schedule = CONSTANT, h: float = 0.13) -> Array:
        """The risk L at the given steps; Richardson's extrapolation of steps h and h/2, to about 1e-5 (1e-4 with a
        schedule, or where a sign sees little but label noise).

        Infinite where the risk grows without bound.

        Raises
        ------
        NoConvergence : see `integrate`.
        """
        last, gamma = np.array([max(1.0, float(np.max(steps)))]), np.array([rate])
        coarse = integrate(self.modes, gamma, last, self.clock, schedule, h)
        fine = integrate(self.modes, gamma, last, self.clock, schedule, h / 2, in_steps=not coarse.gridded)
        if coarse.gridded and not fine.gridded:
            coarse = integrate(self.modes, gamma, last, self.clock, schedule, h, in_steps=True)
        with np.errstate(invalid="ignore"):
            out = np.exp((4 * np.log(fine.at(steps)) - np.log(coarse.at(steps))) / 3)
        return np.where(np.isfinite(out), out, np.inf)
