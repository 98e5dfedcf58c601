"""The price of a wrong learning rate: how the best slope falls when the rate is off, exactly.

With gamma = f^(-g), the best slope as a function of g is concave and piecewise linear; its one-sided derivatives at
the optimum are linear programmes in the tangent cone of the optimal face.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derivations.algebra import Point
from derivations.law import RiskLaw
from phases.program import FREE_RATE, solve_at, variables
from phases.simplex import Inequality, Infeasible, maximum

Loss = Fraction | None
"""Loss of slope per unit by which the rate's exponent is off; None where the law's constraints forbid such a rate."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a wrong rate costs, to first order, with the model size chosen anew for the wrong rate.

    ``f_larger``: gamma = gamma* f^delta loses f_larger * delta of slope; ``f_smaller`` for gamma* f^(-delta).
    ``m_larger``, ``m_smaller``: the same for gamma = M^(-e* + delta) and M^(-e* - delta); None where x* = 0.
    """

    f_larger: Loss
    f_smaller: Loss
    m_larger: Loss
    m_smaller: Loss


def price(law: RiskLaw, point: Point) -> Price | None:
    """The price of a wrong rate at a point; None for a law without gamma.

    Raises
    ------
    The errors of `phases.program.solve_at`.

    >>> from derivations.registry import load
    >>> price(load("kim2026/signsgd"), (Fraction(2, 5), Fraction(7, 10))).f_larger
    Fraction(4, 5)
    """
    if not law.has_rate:
        return None
    rows, optimum = solve_at(law, point)
    n = len(variables(law))
    count = len(optimum.vertices)
    middle = [sum((v.values[k] for v in optimum.vertices), Fraction(0)) / count for k in range(n)]
    for ray in optimum.rays:
        middle = [m + d for m, d in zip(middle, ray.direction, strict=True)]
    active = [r.inequality for r in rows if r.name != FREE_RATE and r.inequality.slack(middle) == 0]
    cone = [Inequality(i.coefficients, 0, i.equality) for i in active]

    size = middle[0]
    exponent = middle[1] / size if size else None

    def loss(step: Fraction, tilt: Fraction) -> Loss:
        """Fall of the slope along g' - tilt*x' = step in the tangent cone."""
        row = [Fraction(0)] * n
        row[0], row[1] = -tilt, Fraction(1)
        try:
            return -maximum([*cone, Inequality.of(row, step, True)])
        except Infeasible:
            return None

    zero, one = Fraction(0), Fraction(1)
    return Price(
        f_larger=loss(-one, zero),
        f_smaller=loss(one, zero),
        m_larger=None if exponent is None else loss(-size, exponent),
        m_smaller=None if exponent is None else loss(size, exponent),
    )
