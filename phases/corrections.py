"""A law's own corrections to scaling: what its exponents look like at a finite compute.

Asymptotic exponents hold when every term but the binding ones has died out, and the binding ones balance. With all
constants one, the best risk at finite f is the smallest sum of the terms: the linear programme with "each term is at
most L" replaced by "their sum is at most L", a smooth convex programme. Where terms are nearly as large as one another
over many decades its local exponents are far from the asymptotic ones, and no fit at that compute decides about them.

Floats enter here: this judges a fit, it proves nothing.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from derivations.errors import PhaselawsError
from derivations.law import RiskLaw
from derivations.numeric.regression import Array
from phases.program import NumericRow, solve_at, variables

UNKNOWN = 10.0
"""Factor by which each term's constant may differ from one."""
TRIES = 4
"""Starts of the solver, each from where the last one gave up."""
FEASIBLE = 1e-7
"""By how much a solution may pass a row, in units of the slope: far less than a fit resolves."""


class NoCorrection(PhaselawsError, ArithmeticError):
    """The smooth programme was not solved, so that nothing is known about a law's corrections."""


def corrections(
    law: RiskLaw, point: tuple[Fraction, Fraction], window: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """The range of the law's slope, model_exponent and rate_exponent over a window of compute.

    All constants are one, then one constant at a time is ten times as large or as small.

    Raises
    ------
    NoCorrection : one of the programmes could not be solved.

    >>> from derivations.registry import load
    >>> law = load("paquette2024/sgd")
    >>> low, high = corrections(law, (Fraction(2, 7), Fraction(1)), (1e16, 1e20))["slope"]
    >>> high > 33 / 112 + 0.003
    True
    """
    rows, optimum = solve_at(law, point)
    vertex = np.array([float(x) for x in optimum.vertices[0].values])
    count = sum(r.kind == "term" for r in rows)
    shifts = [np.zeros(count)]
    for k in range(count):
        for sign in (-1.0, 1.0):
            shifts.append(np.where(np.arange(count) == k, sign * np.log(UNKNOWN), 0.0))
    found: dict[str, list[float]] = {}
    for shift in shifts:
        low, high = (_best(rows, vertex, float(np.log(f)), shift) * np.log(f) for f in window)
        change = (high - low) / np.log(window[1] / window[0])
        found.setdefault("slope", []).append(float(change[-1]))
        found.setdefault("model_exponent", []).append(float(change[0]))
        if "g" in variables(law) and abs(change[0]) > 1e-9:
            found.setdefault("rate_exponent", []).append(float(change[1] / change[0]))
    return {name: (min(values), max(values)) for name, values in found.items()}


def _best(rows: list[NumericRow], vertex: Array, scale: float, shift: Array) -> Array:
    """The optimum (x, g, ..., eta) at log f = scale, ``shift`` the logarithms of the terms' constants."""

    def matrix(kinds: tuple[str, ...], equality: bool) -> tuple[Array, Array]:
        some = [r for r in rows if r.kind in kinds and r.inequality.equality == equality]
        A = [[float(c) / float(r.scale) for c in r.inequality.coefficients] for r in some]
        return np.array(A).reshape(len(some), len(vertex)), np.array(
            [float(r.inequality.bound / r.scale) for r in some]
        )

    terms, bounds = matrix(("term",), False)
    hard, limits = matrix(("constraint", "bound"), False)
    equal, ends = matrix(("constraint", "bound"), True)
    bounds = bounds - shift / scale
    start = vertex.copy()
    start[-1] -= (np.log(len(terms)) + max(shift.max(), 0.0)) / scale
    target = np.zeros(len(vertex))
    target[-1] = -1.0
    constraints: list[dict[str, Any]] = [
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
    for _ in range(TRIES):
        found = minimize(
            lambda v: -v[-1],
            start,
            jac=lambda v: target,
            constraints=constraints,
            method="SLSQP",
            options={"ftol": 1e-10, "maxiter": 500},
        )
        at = np.asarray(found.x)
        if found.success and all(_passed(c, at) <= FEASIBLE for c in constraints):
            return at
        if np.isfinite(at).all():  # again from there, a little inside
            start = at.copy()
            start[-1] -= 0.1 / scale
    raise NoCorrection(f"expected the corrections of the law at f = {np.exp(scale):.0e} to be found: {found.message}")


def _passed(constraint: dict[str, Any], at: Array) -> float:
    """By how much a point passes a constraint."""
    values = np.atleast_1d(constraint["fun"](at))
    return float(np.abs(values).max() if constraint["type"] == "eq" else (-values).max())
