"""One risk curve from any engine: what ``phases curve`` does."""

from __future__ import annotations

import numpy as np

from derivations.numeric.engines import ON_SKETCHES, WITHOUT_SKETCH
from derivations.numeric.regression import Array, power_law
from derivations.numeric.request import Request, RiskCurve, check_request, log_steps
from derivations.numeric.volterra import Unstable
from derivations.optimizers import Optimizer


def curve(request: Request) -> RiskCurve:
    """The risk at log-spaced steps.

    Raises
    ------
    BadProblem, Unstable, NoConvergence, derivations.numeric.law_curve.NoConstant : what was asked cannot be solved; one
        sentence.

    >>> from fractions import Fraction
    >>> found = curve(Request("sgd", Fraction(1), Fraction(1), 64, 0.1, 1e6))
    >>> found.engine, bool(found.risk[0] > found.risk[-1] > 0)
    ('volterra', True)
    """
    optimizer, engine = check_request(request)
    steps = log_steps(request.steps, request.points)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):  # said by what is not finite
        if engine in WITHOUT_SKETCH:
            found = WITHOUT_SKETCH[engine](request, optimizer, steps)
        else:
            found = _averaged(request, optimizer, engine, steps)
    if not (np.isfinite(found.risk).all() and (found.stderr is None or np.isfinite(found.stderr).all())):
        raise Unstable(f"expected a rate at which the risk stays finite, at {request.rate:g} it grows without bound")
    return found


def _averaged(request: Request, optimizer: Optimizer, engine: str, steps: Array) -> RiskCurve:
    """The mean over sketches; standard errors are of sampling alone, as every sketch is given."""
    solver = ON_SKETCHES[engine]
    solver.check(request, optimizer)
    v = None if request.ambient is None else int(request.ambient)
    found = []
    for k in range(request.sketches):
        seed = (request.seed, k) if k else request.seed
        problem = power_law(float(request.alpha), float(request.beta), int(request.size), v, seed)
        found.append(solver.solve(request, optimizer, problem, steps, seed))
    risk = np.mean([f.risk for f in found], axis=0)
    stderr = None
    if found[0].stderr is not None:
        stderr = np.sqrt(sum(f.stderr**2 for f in found if f.stderr is not None)) / len(found)
    return RiskCurve(found[0].engine, found[0].model, steps, risk, stderr)
