"""An exact optimum coded independently of the solver: every vertex of the programme, by brute force over rows.

It evaluates the law's exponents itself, writes down all inequalities in (x, g, eta), solves every 3x3 (2x2 without a
rate) subset by Cramer's rule in fractions, keeps the feasible solutions and takes the largest slope. That is the
optimum whenever one exists.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from derivations.exponents import holds, value
from derivations.law import Constraint, RiskLaw

Row = tuple[list[Fraction], Fraction, bool]


def rows_of(law: RiskLaw, point: tuple[Fraction, Fraction]) -> list[Row]:
    """``coefficients . (x, g, eta) <= bound`` and whether it is an equality."""
    zero, one = Fraction(0), Fraction(1)
    out: list[Row] = [([-one, zero, zero], zero, False), ([one, zero, zero], one, False)]
    for entry in (*law.terms, *law.constraints):
        if not all(holds(r, point) for r in entry.where):
            continue
        power = {base: value(node, point) for base, node in entry.monomial.exponents}
        m, n, gamma = (power.get(k, zero) for k in ("M", "N", "gamma"))
        # M^m N^n gamma^gamma has log m*x + n*(1-x) - gamma*g in units of log f; a term needs it at most -eta.
        eta = zero if isinstance(entry, Constraint) else one
        out.append(([m - n, -gamma, eta], -n, isinstance(entry, Constraint) and entry.equality))
    if not any(coefficients[1] for coefficients, _, _ in out):
        out.append(([zero, one, zero], zero, True))
    return out


def _det(m: list[list[Fraction]]) -> Fraction:
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def vertices(rows: list[Row]) -> list[tuple[Fraction, ...]]:
    """All feasible vertices."""
    found = {}
    for chosen in combinations(rows, 3):
        matrix = [list(r[0]) for r in chosen]
        det = _det(matrix)
        if det == 0:
            continue
        v = tuple(
            _det([[*r[:k], row[1], *r[k + 1 :]] for r, row in zip(matrix, chosen, strict=True)]) / det for k in range(3)
        )
        slacks = [(b - sum(c * x for c, x in zip(cs, v, strict=True)), eq) for cs, b, eq in rows]
        if all(s == 0 if eq else s >= 0 for s, eq in slacks):
            found[v] = None
    return list(found)


def best(law: RiskLaw, point: tuple[Fraction, Fraction]) -> tuple[Fraction, list[tuple[Fraction, ...]]]:
    """The largest slope and the vertices that attain it."""
    corners = vertices(rows_of(law, point))
    slope = max(v[2] for v in corners)
    return slope, [v for v in corners if v[2] == slope]
