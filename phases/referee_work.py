"""What the report measures: its tasks, and the function that does any one of them in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache

from derivations.numeric import engine_checks
from derivations.numeric.store import Json
from derivations.registry import names
from phases.phase_diagram import PhaseDiagram, diagram
from phases.referee import check, telling_point

PUBLISHED = ("paquette2024/sgd", "paquette2024/sgd-tuned", "kim2026/signsgd")
CRUCIAL = (
    ("derived/signsgd", "2/5", "7/10"),
    ("kim2026/signsgd", "2/5", "7/10"),
    ("derived/signsgd", "1", "2"),
    ("derived/signsgd", "1/5", "1"),
)
FARTHEST = 1e30
"""Compute up to which crucial points are followed by the mode model."""
SAMPLED = (("paquette2024/sgd", "1", "1/4"), ("derived/signsgd", "2/5", "7/10"))
"""Points checked by Monte-Carlo too."""
ASSUMED = ("derived/signsgd-saturated",)
"""Laws under an assumption that dynamics need not keep."""
TRANSIENTS = ((0.3, 0.7), (0.6, 0.6), (0.8, 0.6), (1.0, 1.2))
NOISES = ("none", "gaussian:0.5", "rademacher:0.3", "cauchy:0.2")
NOISE_SIZES = {256: 512, 512: 512, 1024: 256, 2048: 128}
"""Model sizes, and how many runs of each."""
EQUIVALENT_SIZES = tuple(2.0**k for k in (11, 20, 30, 40, 50))
WIDTH = 512
"""Model size at which engines are compared with samples."""


def law_tasks() -> list[Json]:
    """One task a phase of both papers' laws and engine, the crucial points, and two by Monte-Carlo."""
    tasks = [_law(*p, engine) for name in PUBLISHED for p in _points(name) for engine in ("mode", "ode")]
    for p in CRUCIAL:
        tasks += [_law(*p, "mode") | {"compute": FARTHEST}, _law(*p, "ode")]
    return tasks + [_law(*p, "montecarlo") for p in SAMPLED]


@cache
def _points(name: str) -> tuple[tuple[str, str, str], ...]:
    found = _diagram(name)
    points = (telling_point(found.law, phase) for phase in found.phases)
    return tuple((name, str(alpha), str(beta)) for alpha, beta in points)


def _law(law: str, alpha: str, beta: str, engine: str) -> Json:
    return {"kind": "law", "law": law, "alpha": alpha, "beta": beta, "engine": engine}


def is_crucial(task: Json) -> bool:
    """Whether a law's task is at one of the crucial points."""
    return (task["law"], task["alpha"], task["beta"]) in CRUCIAL


def derived_tasks() -> list[Json]:
    """Every derived law by the mode model, one task a phase (but for the one under a named assumption)."""
    laws = [n for n in names() if n.startswith("derived/") and n not in ASSUMED]
    return [_law(*p, "mode") for name in laws for p in _points(name)]


def transient_tasks() -> list[Json]:
    """signSGD sampled against its ODEs."""
    common = {"kind": "transient", "M": WIDTH, "rate": 1e-3, "steps": 4000, "runs": 768, "seed": 1}
    return [common | {"alpha": a, "beta": b, "noise": noise} for a, b in TRANSIENTS for noise in NOISES]


def sgd_tasks() -> list[Json]:
    """SGD sampled against its recurrence."""
    common = {"kind": "sgd_transient", "M": WIDTH, "fraction": 0.3, "steps": 2000, "runs": 4096, "seed": 1}
    return [common | {"alpha": a, "beta": b} for a, b in TRANSIENTS]


def noise_tasks() -> list[Json]:
    """signSGD's noise alone at alpha = 0.4."""
    common = {"kind": "pure_noise", "alpha": 0.4, "longest": 8.0, "seed": 1}
    return [common | {"M": M, "runs": runs} for M, runs in NOISE_SIZES.items()]


def exponent_task() -> Json:
    """Its exponents far beyond what can be sampled."""
    return {"kind": "noise_exponents", "alpha": 0.4, "sizes": list(EQUIVALENT_SIZES)}


def stationary_tasks() -> list[Json]:
    """Closed forms against ODEs run for 10^12 steps."""
    common = {"kind": "stationary", "M": 256, "rate": 1e-3, "seed": 1}
    kinds = (*NOISES, "uniform:0.3", "student:0.2:3", "mixture:0.1:10:0.05")
    return [common | {"alpha": a, "beta": b, "noise": n} for a, b in TRANSIENTS[1::2] for n in kinds]


def all_tasks() -> list[Json]:
    """Everything, the longest first."""
    slow = sorted(noise_tasks(), key=lambda t: -int(t["M"]))
    laws = sorted(law_tasks(), key=lambda t: t["engine"] != "montecarlo")
    rest = [*transient_tasks(), *sgd_tasks(), exponent_task(), *stationary_tasks(), *derived_tasks()]
    return [*slow, *laws, *rest]


@cache
def _diagram(name: str) -> PhaseDiagram:
    return diagram(name)


def work(task: Json) -> Json:
    """Do one task."""
    given = {k: v for k, v in task.items() if k != "kind"}
    if task["kind"] == "law":
        return _check(**given)
    measure: Callable[..., Json] = getattr(engine_checks, task["kind"])
    return measure(**given)


def _check(law: str, alpha: str, beta: str, engine: str, compute: float | None = None) -> Json:
    found = check(_diagram(law), Fraction(alpha), Fraction(beta), engine, compute)
    envelopes = [
        {"compute": e.compute.tolist(), "risk": e.risk.tolist(), "size": e.size.tolist(), "rate": e.rate.tolist()}
        for e in found.envelopes
    ]
    return {"verdict": found.verdict, "model": found.model, "rows": found.rows(), "envelopes": envelopes}
