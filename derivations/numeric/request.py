"""What to draw, and what comes back: the request and the result of a risk curve, from any engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from derivations.numeric.effects import is_sgd, is_sign
from derivations.numeric.label_noise import LabelNoise, label_noise
from derivations.numeric.regression import (
    LARGEST,
    Array,
    BadProblem,
    check_batch,
    check_plane,
    check_rate,
    check_sketch,
)
from derivations.optimizers import Optimizer
from derivations.optimizers.lookup import optimizer_named
from derivations.schedules import CONSTANT, Schedule

ENGINES = ("volterra", "equivalent", "ode", "meanfield", "sde", "montecarlo", "law")
TIME_LIMIT = 600.0
"""Seconds a run may be expected to take."""


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

    @property
    def label_noise(self) -> LabelNoise:
        """The law that ``noise`` names."""
        return label_noise(self.noise)


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


def default_engine(optimizer: Optimizer) -> str:
    """volterra for SGD, meanfield for signSGD, ode for the rest of the family."""
    if is_sgd(optimizer):
        return "volterra"
    return "meanfield" if is_sign(optimizer) else "ode"


def log_steps(last: float, points: int) -> Array:
    """Log-spaced whole steps from 1 to ``last``, without repetition."""
    grid = np.geomspace(1.0, last, points)
    return np.unique(np.where(grid < 2.0**53, np.round(grid), grid))


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
    label_noise(request.noise)
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
        afford(seconds, request, "fewer sketches, or engine equivalent")
    return optimizer, engine


def afford(seconds: float, request: Request, instead: str) -> None:
    """Raise BadProblem if work is expected to take longer than the request's time limit."""
    if seconds > request.time_limit:
        raise BadProblem(
            f"expected a run of at most {request.time_limit:g} s, this one would take about {seconds:.2g} s: "
            f"use {instead}, or raise --time-limit"
        )
