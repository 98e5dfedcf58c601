"""Engines against each other: what the report of ``phases check --all`` measures beside the laws.

Every function takes plain numbers and returns a JSON object, so that it can be a task of a sweep.
"""

from __future__ import annotations

import numpy as np

from derivations.numeric.equivalent import equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.family import Family, Modes
from derivations.numeric.label_noise import label_noise
from derivations.numeric.mean_field import mean_field_curve
from derivations.numeric.montecarlo import simulate
from derivations.numeric.regression import Array, Regression, power_law
from derivations.numeric.sign_ode import SignBasis, linearised_curve, stationary_risk
from derivations.numeric.store import Json
from derivations.numeric.volterra import largest_stable_rate, recurrence, risk_curve
from derivations.optimizers import registered


def transient(alpha: float, beta: float, M: int, noise: str, rate: float, steps: int, runs: int, seed: int) -> Json:
    """signSGD sampled, by the mean-field ODE and by the linearised one, on one sketch.

    ``gap`` and ``linearised_gap`` are the largest relative distances from the sampled mean, ``sampling`` the largest
    relative standard error of that mean.

    >>> found = transient(0.6, 0.6, 32, "none", 0.01, 100, 64, 1)
    >>> sorted(found)[:3], found["sampling"] < 0.2
    (['gap', 'linearised', 'linearised_gap'], True)
    """
    problem, law = power_law(alpha, beta, M, seed=seed), label_noise(noise)
    at = _log_steps(steps, 24)
    sampled = simulate(problem, "signsgd", rate, at, runs, seed, noise)
    basis = SignBasis(problem)
    field, linear = mean_field_curve(basis, rate, at, law), linearised_curve(basis, rate, at, law)
    mean, stderr = sampled.mean[0], sampled.stderr[0]
    return {
        "steps": at.tolist(),
        "sampled": mean.tolist(),
        "stderr": stderr.tolist(),
        "mean_field": field.tolist(),
        "linearised": linear.tolist(),
        "gap": _largest(field, mean),
        "linearised_gap": _largest(linear, mean),
        "sampling": float((stderr / mean).max()),
    }


def sgd_transient(alpha: float, beta: float, M: int, fraction: float, steps: int, runs: int, seed: int) -> Json:
    """SGD sampled and by its exact recurrence, at a fraction of the largest stable rate.

    ``deviation`` is the largest distance in standard errors of the sampled mean.

    >>> sgd_transient(0.6, 0.6, 16, 0.3, 50, 256, 1)["deviation"] < 5
    True
    """
    problem = power_law(alpha, beta, M, seed=seed)
    rate = fraction * largest_stable_rate(problem.eigen[0])
    at = _log_steps(steps, 24)
    sampled = simulate(problem, "sgd", rate, at, runs, seed)
    exact = risk_curve(recurrence(problem.eigen[0], problem.shares, rate, problem.floor), at)
    mean, stderr = sampled.mean[0], sampled.stderr[0]
    return {
        "rate": rate,
        "steps": at.tolist(),
        "sampled": mean.tolist(),
        "stderr": stderr.tolist(),
        "exact": exact.tolist(),
        "gap": _largest(exact, mean),
        "deviation": float((np.abs(exact - mean) / stderr).max()),
        "sampling": float((stderr / mean).max()),
    }


def pure_noise(alpha: float, M: int, longest: float, runs: int, seed: int) -> Json:
    """signSGD's noise alone: sampled from a start at an optimum that predicts perfectly, up to N = longest * M.

    Without floor and bias the risk is proportional to gamma^2 exactly; ``risk`` is L/gamma^2.

    >>> found = pure_noise(0.4, 16, 2.0, 32, 1)
    >>> found["risk"][-1] > found["risk"][0] > 0
    True
    """
    sketch = power_law(alpha, 1.0, M, seed=seed)
    rate = 1.0
    start = np.full(M, 1e-3)  # a residual of zero would have no sign
    at = _log_steps(int(longest * M), 40)
    problem = Regression(sketch.covariance, start, 0.0)
    sampled = simulate(problem, "signsgd", rate, at, runs, seed)
    return {
        "steps": at.tolist(),
        "risk": sampled.mean[0].tolist(),
        "stderr": sampled.stderr[0].tolist(),
        "linearised": linearised_curve(SignBasis(problem), rate, at).tolist(),
    }


def noise_exponents(alpha: float, sizes: list[float]) -> Json:
    """Local exponents of that noise at N = sqrt M by the linearised ODE on the deterministic equivalent.

    d log L/d log N at fixed M and d log L/d log M at fixed N, for each M of ``sizes``.

    >>> found = noise_exponents(0.4, [2.0**50])
    >>> round(found["in_N"][0], 2), round(found["in_M"][0], 2)
    (0.41, 0.8)
    """

    def risk(M: float, steps: Array) -> Array:
        family = equivalent_family(registered()["signsgd"], equivalent(alpha, 1.0, M))
        modes = family.modes
        shares = 1e-10 * modes.rates / modes.rates.sum()
        return Family(Modes(modes.rates, shares, modes.noise, 0.0), family.clock).curve(1.0, steps)

    in_steps, in_size = [], []
    for M in sizes:
        near = np.sqrt(M) * np.array([0.5, 1.0, 2.0])
        low, middle, high = (risk(M * k, near) for k in (0.5, 1.0, 2.0))
        in_steps.append(float(np.log(middle[2] / middle[0]) / np.log(4)))
        in_size.append(float(np.log(high[1] / low[1]) / np.log(4)))
    return {"in_N": in_steps, "in_M": in_size}


def stationary(alpha: float, beta: float, M: int, noise: str, rate: float, seed: int) -> Json:
    """signSGD's stationary risk: closed form and both ODEs after 10^12 steps; relative distances.

    >>> max(stationary(0.7, 0.7, 16, "none", 1e-2, 1)["distances"]) < 1e-9
    True
    """
    problem, law = power_law(alpha, beta, M, seed=seed), label_noise(noise)
    basis, level, late = SignBasis(problem), stationary_risk(problem, rate, law), np.array([1e12])
    reached = [linearised_curve(basis, rate, late, law)[0], mean_field_curve(basis, rate, late, law)[0]]
    return {"level": level, "distances": [float(abs(x / level - 1)) for x in reached]}


def _log_steps(last: int, points: int) -> Array:
    return np.unique(np.round(np.geomspace(1, last, points)))


def _largest(found: Array, exact: Array) -> float:
    return float(np.abs(found / exact - 1).max())
