"""One risk curve from any engine: what ``phases curve`` does.

Engines and what they solve:

* ``volterra``: SGD's exact recurrence on a sampled sketch (constant rate: contour integral; schedule: step by step);
* ``equivalent``: the same with the deterministic equivalent instead of a sketch, M up to 2^100 (SGD at a constant
  rate), or the linearised ODE on it;
* ``ode``: the linearised ODE in continuous time, for every optimizer of the family;
* ``meanfield``: signSGD's mean-field ODE with the full arcsine;
* ``sde``: the stochastic differential equation of any member of the family, sampled;
* ``montecarlo``: the algorithm itself, sampled;
* ``law``: the derived law with its leading constants (an asymptote, not a solver).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

import numpy as np

from derivations.numeric.effects import diffusion, is_sgd, is_sign
from derivations.numeric.equivalent import equivalent
from derivations.numeric.equivalent_modes import equivalent_family
from derivations.numeric.label_noise import LabelNoise, label_noise
from derivations.numeric.law_curve import curve_law
from derivations.numeric.mean_field import mean_field_curve
from derivations.numeric.montecarlo import GROUP, group, simulate
from derivations.numeric.pool import processes
from derivations.numeric.regression import (
    LARGEST,
    Array,
    BadProblem,
    Regression,
    check_batch,
    check_plane,
    check_rate,
    check_sketch,
    power_law,
)
from derivations.numeric.sde import sample_sde, steps_needed
from derivations.numeric.sign_ode import SignBasis
from derivations.numeric.volterra import Unstable, recurrence, risk_curve, stepwise
from derivations.optimizers import Optimizer, effects_named, registered
from derivations.schedules import CONSTANT, Schedule

ENGINES = ("volterra", "equivalent", "ode", "meanfield", "sde", "montecarlo", "law")
TIME_LIMIT = 600.0
"""Seconds a sampled run may be expected to take."""
Seed = int | tuple[int, ...]
WORTH_PROCESSES = 2.0
"""Seconds beyond which a sampled run is spread over processes."""


@dataclass(frozen=True)
class Request:
    """What to draw: ``rate`` per step, ``steps`` = N, ``ambient`` = v (default 4 M), ``sketches`` draws of W.

    ``workers``: processes that a long sampled run is spread over (a script then needs the usual guard of its main
    module); the result does not depend on it.
    """

    optimizer: str
    alpha: Fraction
    beta: Fraction
    size: float
    rate: float
    steps: float
    engine: str = ""
    ambient: float | None = None
    schedule: Schedule = CONSTANT
    noise: str = "none"
    batch: int = 1
    runs: int = 64
    seed: int = 0
    sketches: int = 1
    points: int = 60
    time_limit: float = TIME_LIMIT
    workers: int = 1


@dataclass(frozen=True, eq=False)
class RiskCurve:
    """Steps and risks L (no 1/2, without label noise); ``stderr`` from Monte-Carlo; ``model`` says what was solved."""

    engine: str
    model: str
    steps: Array
    risk: Array
    stderr: Array | None = None
    terms: dict[str, Array] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def optimizer_named(name: str) -> Optimizer:
    """A registered optimizer, with or without ``derived/``.

    Raises
    ------
    BadProblem : no such optimizer.
    """
    known = registered()
    short = name.removeprefix("derived/")
    found = known.get(short) or effects_named(short)
    if found is None:
        raise BadProblem(f"expected an optimizer, one of {', '.join(known)}, got {name[:60]!r}")
    return found


def default_engine(optimizer: Optimizer) -> str:
    """volterra for SGD, meanfield for signSGD, ode for the rest of the family."""
    if is_sgd(optimizer):
        return "volterra"
    return "meanfield" if is_sign(optimizer) else "ode"


def log_steps(last: float, points: int) -> Array:
    """Log-spaced whole steps from 1 to ``last``, without repetition."""
    grid = np.geomspace(1.0, last, points)
    return np.unique(np.where(grid < 2.0**53, np.round(grid), grid))


def curve(request: Request) -> RiskCurve:
    """The risk at log-spaced steps.

    Raises
    ------
    BadProblem, Unstable, derivations.numeric.law_curve.NoConstant : what was asked cannot be solved; one sentence.

    >>> found = curve(Request("sgd", Fraction(1), Fraction(1), 64, 0.1, 1e6))
    >>> found.engine, bool(found.risk[0] > found.risk[-1] > 0)
    ('volterra', True)
    """
    optimizer, engine = check_request(request)
    steps = log_steps(request.steps, request.points)
    noise = label_noise(request.noise)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):  # said by what is not finite
        if engine == "law":
            found = _law(request, optimizer, steps)
        elif engine == "equivalent":
            found = _equivalent(request, optimizer, noise, steps)
        else:
            found = _averaged(_solver(engine, request, optimizer, noise), request, steps)
    if not (np.isfinite(found.risk).all() and (found.stderr is None or np.isfinite(found.stderr).all())):
        raise Unstable(f"expected a rate at which the risk stays finite, at {request.rate:g} it grows without bound")
    return found


def check_request(request: Request) -> tuple[Optimizer, str]:
    """The optimizer and engine of a request whose numbers make sense.

    Raises
    ------
    BadProblem : they do not.
    """
    optimizer = optimizer_named(request.optimizer)
    engine = request.engine or default_engine(optimizer)
    if engine not in ENGINES:
        raise BadProblem(f"expected an engine, one of {', '.join(ENGINES)}, got {engine[:40]!r}")
    check_rate(request.rate)
    check_batch(request.batch)
    check_plane(float(request.alpha), float(request.beta))
    whole = {"number of steps": request.steps, "model size": request.size}
    if request.ambient is not None and not (engine == "equivalent" and request.ambient == np.inf):
        whole["ambient dimension"] = request.ambient
    for name, value in whole.items():
        if not (1 <= value <= LARGEST and value == np.floor(value)):
            raise BadProblem(f"expected a whole {name} >= 1, got {value:g}")
    if not (1 <= request.sketches <= 10_000 and 2 <= request.points <= 100_000):
        raise BadProblem("expected 1 to 10,000 sketches and 2 to 100,000 points")
    if not 2 <= request.runs <= 10**9:
        raise BadProblem(f"expected at least 2 runs for a standard error, and at most 1e9, got {request.runs}")
    if not 0 < request.time_limit < np.inf:
        raise BadProblem(f"expected a time limit > 0 in seconds, got {request.time_limit:g}")
    if engine not in ("law", "equivalent"):
        check_sketch(int(request.size), None if request.ambient is None else int(request.ambient))
        seconds = request.sketches * request.size**2 * (request.size + (request.ambient or 4 * request.size)) * 1e-10
        _afford(seconds, request, "fewer sketches, or engine equivalent")
    return optimizer, engine


def _averaged(solve: Callable[[Regression, Array, Seed], RiskCurve], request: Request, steps: Array) -> RiskCurve:
    """The mean over sketches; standard errors are of sampling alone, as every sketch is given."""
    v = None if request.ambient is None else int(request.ambient)
    found = []
    for k in range(request.sketches):
        seed = (request.seed, k) if k else request.seed
        problem = power_law(float(request.alpha), float(request.beta), int(request.size), v, seed)
        found.append(solve(problem, steps, seed))
    risk = np.mean([f.risk for f in found], axis=0)
    stderr = None
    if found[0].stderr is not None:
        stderr = np.sqrt(sum(f.stderr**2 for f in found if f.stderr is not None)) / len(found)
    return RiskCurve(found[0].engine, found[0].model, steps, risk, stderr)


def _law(request: Request, optimizer: Optimizer, steps: Array) -> RiskCurve:
    if not request.schedule.constant or request.noise != "none" or request.batch != 1:
        raise BadProblem("expected a constant rate, batch 1 and no label noise with engine law")
    law = curve_law(optimizer, request.alpha, request.beta)
    M, gamma = request.size, request.rate
    tau = law.times(M, gamma, steps)
    terms = {t.name: t.at(M, gamma, tau) for t in law.terms}
    notes = [f"no constant is known here for {', '.join(law.missing)}: left out"] if law.missing else []
    notes += [
        f"{c.to} overtakes {c.before} at N = {c.steps:.4g}, risk {c.risk:.4g}" for c in law.crossovers(M, gamma, steps)
    ]
    model = "derived law with leading constants, infinite ambient dimension"
    return RiskCurve("law", model, steps, law.risk(M, gamma, tau), None, terms, tuple(notes))


def _equivalent(request: Request, optimizer: Optimizer, noise: LabelNoise, steps: Array) -> RiskCurve:
    model = equivalent(float(request.alpha), float(request.beta), request.size, request.ambient)
    if is_sgd(optimizer) and request.schedule.constant:
        _finite_variance(noise)
        risk = model.sgd_curve(request.rate, steps, batch=request.batch, label_noise=noise.variance)
        return RiskCurve("equivalent", "deterministic equivalent of SGD's recurrence", steps, risk)
    risk = equivalent_family(optimizer, model, noise, request.batch).curve(request.rate, steps, request.schedule)
    at = "" if optimizer.clock == "0" else ", the diagonal of K at its mean"
    return RiskCurve("equivalent", f"linearised ODE on the deterministic equivalent{at}", steps, risk)


def _finite_variance(noise: LabelNoise) -> None:
    if not np.isfinite(noise.variance):
        raise BadProblem(f"expected label noise of finite variance with SGD, {noise.name} has none")


def _solver(
    engine: str, request: Request, optimizer: Optimizer, noise: LabelNoise
) -> Callable[[Regression, Array, Seed], RiskCurve]:
    rate, schedule, batch = request.rate, request.schedule, request.batch
    if engine == "volterra":
        if not is_sgd(optimizer):
            raise BadProblem(f"expected sgd with engine volterra, got {optimizer.name}")
        _finite_variance(noise)

        def volterra(problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
            values, shares = problem.eigen[0], problem.shares
            if schedule.constant:
                modes = recurrence(values, shares, rate, problem.floor, batch=batch, label_noise=noise.variance)
                return RiskCurve(engine, "SGD's exact recurrence", steps, risk_curve(modes, steps))
            seconds = request.steps * problem.size * 4e-9
            _afford(seconds, request, "engine ode")
            risk = stepwise(values, shares, rate, problem.floor, steps, schedule, batch, noise.variance)
            return RiskCurve(engine, "SGD's exact recurrence, step by step", steps, risk)

        return volterra
    if engine == "meanfield":
        if not is_sign(optimizer):
            raise BadProblem(f"expected signsgd with engine meanfield, got {optimizer.name}; engine ode has more")

        def meanfield(problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
            risk = mean_field_curve(SignBasis(problem), rate, steps, noise, schedule, batch)
            return RiskCurve(engine, "arcsine mean-field ODE", steps, risk)

        return meanfield
    if engine == "montecarlo":
        if not (is_sgd(optimizer) or is_sign(optimizer)):
            raise BadProblem(
                f"expected sgd or signsgd with engine montecarlo, got {optimizer.name}; engine sde samples it too"
            )
        M, sign = request.size, is_sign(optimizer)
        each = M * 3.5e-9 + sign * M * M * 1.4e-11 + 1e-7 + 1.2e-5 / (min(request.runs, GROUP) * batch)
        workers = min(request.workers, -(-request.runs // group(int(M), batch)))
        seconds = request.sketches * request.runs * request.steps * batch * each / max(workers, 1)
        _afford(seconds, request, "fewer runs or steps, or engine ode")

        def montecarlo(problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
            kind = "signsgd" if sign else "sgd"
            sample = partial(
                simulate,
                *(problem, kind, rate, steps, request.runs, seed, request.noise, schedule, batch),
            )
            if workers > 1 and seconds / request.sketches > WORTH_PROCESSES:
                with processes(workers) as pool:
                    found = sample(executor=pool)
            else:
                found = sample()
            return RiskCurve(engine, f"{found.runs} sampled runs", steps, found.mean[0], found.stderr[0])

        return montecarlo

    if engine == "sde":

        def sde(problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
            model = diffusion(optimizer, problem, noise, batch)
            M = problem.size
            seconds = request.sketches * request.runs * steps_needed(model, rate, steps) * (M * 3e-8 + M * M * 3e-11)
            _afford(seconds, request, "fewer runs or steps, or engine ode")
            found = sample_sde(model, rate, steps, request.runs, seed, schedule)
            return RiskCurve(engine, f"{found.runs} sampled paths of the SDE", steps, found.mean[0], found.stderr[0])

        return sde

    def ode(problem: Regression, steps: Array, seed: Seed) -> RiskCurve:
        risk = diffusion(optimizer, problem, noise, batch).family.curve(rate, steps, schedule)
        return RiskCurve(engine, "linearised ODE in continuous time", steps, risk)

    return ode


def _afford(seconds: float, request: Request, instead: str) -> None:
    if seconds > request.time_limit:
        raise BadProblem(
            f"expected a run of at most {request.time_limit:g} s, this one would take about {seconds:.2g} s: "
            f"use {instead}, or raise --time-limit"
        )
