"""A law's own corrections to scaling: what its exponents look like at a finite compute.

Asymptotic exponents hold when every term but the binding ones has died out, and the binding ones balance. With all
constants one, the best risk at finite f is the smallest sum of the terms: the linear programme with "each term is at
most L" replaced by "their sum is at most L", a smooth convex programme. Where terms are nearly as large as one another
over many decades its local exponents are far from the asymptotic ones, and no fit at that compute decides about them.

Floats enter here: this judges a fit, it proves nothing.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from derivations.law import RiskLaw
from derivations.numeric.regression import Array
from phases.program import NumericRow, solve_at, variables


def exponents_over(law: RiskLaw, point: tuple[Fraction, Fraction], window: tuple[float, float]) -> dict[str, float]:
    """The law's slope, model_exponent and rate_exponent over a window of compute, all constants one.

    >>> from derivations.registry import load
    >>> law = load("paquette2024/sgd")
    >>> near, far = (exponents_over(law, (Fraction(1), Fraction(1, 4)), (1e3**k, 1e4**k)) for k in (1, 10))
    >>> abs(far['slope'] - 0.5) < abs(near['slope'] - 0.5) < 0.1
    True
    """
    rows, optimum = solve_at(law, point)
    low, high = (_best(rows, optimum.vertices[0].values, float(np.log(f))) * np.log(f) for f in window)
    change = (high - low) / np.log(window[1] / window[0])
    out = {"slope": float(change[-1]), "model_exponent": float(change[0])}
    if "g" in variables(law) and abs(change[0]) > 1e-9:
        out["rate_exponent"] = float(change[1] / change[0])
    return out


def _best(rows: list[NumericRow], vertex: tuple[Fraction, ...], scale: float) -> Array:
    """The optimum (x, g, ..., eta) at log f = scale."""

    def matrix(kinds: tuple[str, ...], equality: bool) -> tuple[Array, Array]:
        some = [r for r in rows if r.kind in kinds and r.inequality.equality == equality]
        A = [[float(c) / float(r.scale) for c in r.inequality.coefficients] for r in some]
        return np.array(A).reshape(len(some), len(vertex)), np.array(
            [float(r.inequality.bound / r.scale) for r in some]
        )

    terms, bounds = matrix(("term",), False)
    hard, limits = matrix(("constraint", "bound"), False)
    equal, ends = matrix(("constraint", "bound"), True)
    start = np.array([float(x) for x in vertex])
    start[-1] -= np.log(len(terms)) / scale
    target = np.zeros(len(vertex))
    target[-1] = -1.0
    constraints = [
        {
            "type": "ineq",
            "fun": lambda v: -logsumexp(scale * (terms @ v - bounds)) / scale,
            "jac": lambda v: -softmax(scale * (terms @ v - bounds)) @ terms,
        }
    ]
    if len(hard):
        constraints.append({"type": "ineq", "fun": lambda v: limits - hard @ v, "jac": lambda v: -hard})
    if len(equal):
        constraints.append({"type": "eq", "fun": lambda v: ends - equal @ v, "jac": lambda v: equal})
    found = minimize(
        lambda v: -v[-1],
        start,
        jac=lambda v: target,
        constraints=constraints,
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    return np.asarray(found.x)
