"""The stochastic differential equation of SGD with any effects of the sign, sampled; with all four it is SignHSGD.

In the eigenbasis of `effects` the drift is diagonal, so a step of length dn is exact in the drift and symmetric about
the noise: half a decay, a kick of covariance gamma^2 strength C dn, half a decay. Each run has the clock of its
own risk. Steps are as long as the fastest mode allows and end on the steps to record.

Source: arXiv:2411.12135; splitting in the biorthogonal basis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from derivations.numeric.effects import Diffusion
from derivations.numeric.montecarlo import GROUP, Normals, Sampled, correlate
from derivations.numeric.regression import Array, BadProblem, check_rate, check_steps, lower_factor
from derivations.schedules import CONSTANT, Schedule

LONGEST = 0.1
"""gamma * speed * Lambda_max of a step."""


def sample_sde(
    problem: Diffusion,
    rate: float,
    steps: Array,
    runs: int = 64,
    seed: int | Sequence[int] = 0,
    schedule: Schedule = CONSTANT,
) -> Sampled:
    """Mean risk over independent paths, at the given steps.

    Raises
    ------
    BadProblem : a rate or steps that are not positive, fewer than two runs.

    >>> from derivations.numeric.effects import diffusion
    >>> from derivations.numeric.regression import power_law
    >>> from derivations.optimizers import registered
    >>> model = diffusion(registered()["signsgd"], power_law(0.5, 0.5, 16))
    >>> found = sample_sde(model, 0.01, [1, 100], runs=8)
    >>> found.mean.shape, bool(found.mean[0, 1] < found.mean[0, 0])
    ((1, 2), True)
    """
    check_rate(rate)
    if runs < 2:
        raise BadProblem(f"expected at least 2 runs for a standard error, got {runs}")
    record = np.unique(check_steps(np.asarray(steps, dtype=float)))
    C = problem.covariance
    factor = lower_factor(C).astype(np.float32, order="F")
    total, square = np.zeros(len(record)), np.zeros(len(record))
    for k in range(0, runs, GROUP):
        rng = np.random.Generator(np.random.SFC64([*np.atleast_1d(seed).tolist(), k, 0x5DE]))
        risks = _paths(problem, factor, rate, record, min(GROUP, runs - k), rng, schedule)
        total += risks.sum(axis=1)
        square += (risks**2).sum(axis=1)
    mean = total / runs
    spread = np.sqrt(np.maximum(square / runs - mean**2, 0) * runs / (runs - 1))
    return Sampled(record, mean[None, :], spread[None, :] / np.sqrt(runs), runs)


def steps_needed(problem: Diffusion, rate: float, steps: Array) -> float:
    """About how many steps of the integrator a run takes."""
    n = np.unique(np.concatenate([[0.0], np.asarray(steps, dtype=float)]))
    level = problem.family.curve(rate, n[1:])
    speed = np.asarray(problem.clock.speed(np.maximum(level, 1e-300)), dtype=float) * rate * float(problem.rates.max())
    return float(len(n) + np.sum(np.diff(n) * speed) / LONGEST)


def _paths(
    problem: Diffusion,
    factor: np.ndarray,
    rate: float,
    record: Array,
    runs: int,
    rng: np.random.Generator,
    schedule: Schedule,
) -> Array:
    """Risks of shape (steps, runs)."""
    M, clock = len(problem.start), problem.clock
    fastest, last = float(problem.rates.max()), float(record[-1])
    y = np.tile(problem.start, (runs, 1))
    out = np.empty((len(record), runs))
    stream, n = Normals(rng, (runs, M)), 0.0

    def risk() -> Array:
        return problem.floor + (y * y) @ problem.rates

    L = risk()
    for k, target in enumerate(record):
        while n < target:
            gamma = rate * schedule.factor(n / last)
            speed = np.asarray(clock.speed(L), dtype=float)
            dn = target - n
            if gamma:
                pieces = np.ceil(dn * gamma * float(speed.max()) * fastest / LONGEST)
                dn = dn / max(1.0, pieces)
            decay = np.exp(-(0.5 * gamma * dn) * speed[:, None] * problem.rates)
            kick = stream.draw()
            correlate(kick, factor)
            strength = np.asarray(clock.cost(L), dtype=float) * speed
            y *= decay
            y += (gamma * np.sqrt(strength * dn))[:, None] * kick
            y *= decay
            L = risk()
            n = target if dn >= target - n else n + dn
        out[k] = L
    return out
