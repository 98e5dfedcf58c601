"""The engines that draw risk curves, one function each.

On sampled sketches, each given a problem:

* ``volterra``: SGD's exact recurrence (constant rate: contour integral; schedule: step by step);
* ``ode``: the linearised ODE in continuous time, for every optimizer of the family;
* ``meanfield``: signSGD's mean-field ODE with the full arcsine;
* ``sde``: the stochastic differential equation of any member of the family, sampled;
* ``montecarlo``: the algorithm itself, sampled.

Without a sketch:

* ``equivalent``: SGD's recurrence on the deterministic equivalent, M up to 2^100 (constant rate), or the linearised ODE
  on it;
* ``law``: the derived law with its leading constants (an asymptote, not a solver).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from derivations.numeric.effects import diffusion, is_sgd, is_sign
from derivations.numeric.equivalent import equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.law_curve import curve_law
from derivations.numeric.mean_field import mean_field_curve
from derivations.numeric.montecarlo import GROUP, group, simulate
from derivations.numeric.pool import processes
from derivations.numeric.regression import Array, BadProblem, Regression
from derivations.numeric.request import Request, RiskCurve, afford
from derivations.numeric.sde import sample_sde, steps_needed
from derivations.numeric.sign_ode import SignBasis
from derivations.numeric.volterra import recurrence, risk_curve, stepwise
from derivations.optimizers import Optimizer

Seed = int | tuple[int, ...]
WORTH_PROCESSES = 2.0
"""Seconds beyond which a sampled run is spread over processes."""


@dataclass(frozen=True)
class SketchEngine:
    """``check`` refuses what cannot be done before anything is; ``solve`` draws the curve of one sketch."""

    check: Callable[[Request, Optimizer], None]
    solve: Callable[[Request, Optimizer, Regression, Array, Seed], RiskCurve]


def _check_volterra(request: Request, optimizer: Optimizer) -> None:
    if not is_sgd(optimizer):
        raise BadProblem(f"expected sgd with engine volterra, got {optimizer.name}")
    _check_variance(request)
    if not request.schedule.constant:
        afford(request.sketches * request.steps * request.size * 4e-9, request, "engine ode")


def _volterra(request: Request, optimizer: Optimizer, problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
    values, shares, nu2 = problem.eigen[0], problem.shares, request.label_noise.variance
    if request.schedule.constant:
        modes = recurrence(values, shares, request.rate, problem.floor, batch=request.batch, label_noise=nu2)
        return RiskCurve("volterra", "SGD's exact recurrence", steps, risk_curve(modes, steps))
    risk = stepwise(values, shares, request.rate, problem.floor, steps, request.schedule, request.batch, nu2)
    return RiskCurve("volterra", "SGD's exact recurrence, step by step", steps, risk)


def _check_meanfield(request: Request, optimizer: Optimizer) -> None:
    if not is_sign(optimizer):
        raise BadProblem(f"expected signsgd with engine meanfield, got {optimizer.name}; engine ode has more")


def _meanfield(request: Request, optimizer: Optimizer, problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
    basis, noise = SignBasis(problem), request.label_noise
    risk = mean_field_curve(basis, request.rate, steps, noise, request.schedule, request.batch)
    return RiskCurve("meanfield", "arcsine mean-field ODE", steps, risk)


def _check_montecarlo(request: Request, optimizer: Optimizer) -> None:
    if not (is_sgd(optimizer) or is_sign(optimizer)):
        raise BadProblem(
            f"expected sgd or signsgd with engine montecarlo, got {optimizer.name}; engine sde samples it too"
        )
    seconds = request.sketches * _sampling_seconds(request, optimizer) / _workers(request)
    afford(seconds, request, "fewer runs or steps, or engine ode")


def _sampling_seconds(request: Request, optimizer: Optimizer) -> float:
    """About how long one sketch takes in one process."""
    M = request.size
    each = M * 3.5e-9 + is_sign(optimizer) * M * M * 1.4e-11 + 1e-7
    return request.steps * (request.runs * request.batch * each + 1.2e-5 * -(-request.runs // GROUP))


def _workers(request: Request) -> int:
    return max(1, min(request.workers, -(-request.runs // group(int(request.size), request.batch))))


def _montecarlo(request: Request, optimizer: Optimizer, problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
    kind, workers = "signsgd" if is_sign(optimizer) else "sgd", _workers(request)
    given = (request.rate, steps, request.runs, seed, request.noise, request.schedule, request.batch)
    sample = partial(simulate, problem, kind, *given)
    if workers > 1 and _sampling_seconds(request, optimizer) > WORTH_PROCESSES:
        with processes(workers) as pool:
            found = sample(executor=pool)
    else:
        found = sample()
    return RiskCurve("montecarlo", f"{found.runs} sampled runs", steps, found.mean[0], found.stderr[0])


def _sde(request: Request, optimizer: Optimizer, problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
    model, M = diffusion(optimizer, problem, request.label_noise, request.batch), problem.size
    needed = request.sketches * request.runs * steps_needed(model, request.rate, steps)
    afford(needed * (M * 3e-8 + M * M * 3e-11), request, "fewer runs or steps, or engine ode")
    found = sample_sde(model, request.rate, steps, request.runs, seed, request.schedule)
    return RiskCurve("sde", f"{found.runs} sampled paths of the SDE", steps, found.mean[0], found.stderr[0])


def _ode(request: Request, optimizer: Optimizer, problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
    family = diffusion(optimizer, problem, request.label_noise, request.batch).family
    risk = family.curve(request.rate, steps, request.schedule)
    return RiskCurve("ode", "linearised ODE in continuous time", steps, risk)


def _any(request: Request, optimizer: Optimizer) -> None:
    """Every optimizer of the family."""


ON_SKETCHES = {
    "volterra": SketchEngine(_check_volterra, _volterra),
    "ode": SketchEngine(_any, _ode),
    "meanfield": SketchEngine(_check_meanfield, _meanfield),
    "sde": SketchEngine(_any, _sde),
    "montecarlo": SketchEngine(_check_montecarlo, _montecarlo),
}


def _equivalent(request: Request, optimizer: Optimizer, steps: Array) -> RiskCurve:
    model = equivalent(float(request.alpha), float(request.beta), request.size, request.ambient)
    noise = request.label_noise
    if is_sgd(optimizer) and request.schedule.constant:
        _check_variance(request)
        risk = model.sgd_curve(request.rate, steps, batch=request.batch, label_noise=noise.variance)
        return RiskCurve("equivalent", "deterministic equivalent of SGD's recurrence", steps, risk)
    risk = equivalent_family(optimizer, model, noise, request.batch).curve(request.rate, steps, request.schedule)
    at = "" if optimizer.clock == "0" else ", the diagonal of K at its mean"
    return RiskCurve("equivalent", f"linearised ODE on the deterministic equivalent{at}", steps, risk)


def _law(request: Request, optimizer: Optimizer, steps: Array) -> RiskCurve:
    if not request.schedule.constant or request.noise != "none" or request.batch != 1:
        raise BadProblem("expected a constant rate, batch 1 and no label noise with engine law")
    law = curve_law(optimizer, request.alpha, request.beta)
    M, gamma = request.size, request.rate
    tau = law.times(M, gamma, steps)
    terms = {t.name: t.at(M, gamma, tau) for t in law.terms}
    notes = [f"no constant is known here for {', '.join(law.missing)}: left out"] if law.missing else []
    notes += [f"constant of {t.name}: {t.remark}" for t in law.terms if t.remark]
    notes += [
        f"{c.to} overtakes {c.before} at N = {c.steps:.4g}, risk {c.risk:.4g}" for c in law.crossovers(M, gamma, steps)
    ]
    model = "derived law with leading constants, infinite ambient dimension"
    return RiskCurve("law", model, steps, law.risk(M, gamma, tau), None, terms, tuple(notes))


WITHOUT_SKETCH = {"equivalent": _equivalent, "law": _law}


def _check_variance(request: Request) -> None:
    if not np.isfinite(request.label_noise.variance):
        raise BadProblem(f"expected label noise of finite variance with SGD, {request.label_noise.name} has none")
