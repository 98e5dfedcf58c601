"""From a shift certificate to an identity: positivity on a polygon as a sum of products of its sides.

On a projective triangle (alpha, beta, 1) = s0 g0 + s1 g1 + s2 g2, and each weight s_i is the form that vanishes on the
opposite side, scaled. If a polynomial has non-negative coefficients in the weights, it is a sum of products of sides.
The sides of a fan are walls, the line at infinity (the constant one), or diagonals, on which two cases part.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from derivations.algebra import ALPHA, BETA, Poly
from derivations.polygons import Line, Simplex, expand, height, line_of
from phases.proof.statements import Leaf, Products, Split


def products(walls: Sequence[Poly], claim: Poly, simplices: Sequence[Simplex]) -> Products | None:
    """The claim as sums of products of walls, a case for each triangle of a fan around the first corner.

    None if a side of a triangle is neither a wall nor a diagonal (the triangles are no fan of the walls' polygon).
    """
    return _cases([line_of(w, 1) for w in walls], claim, list(simplices))


def _cases(hypotheses: list[Line | None], claim: Poly, fan: list[Simplex]) -> Products | None:
    first, *rest = fan
    if not rest:
        return _leaf(hypotheses, claim, first)
    a, b, c = _primitive(_side(first, 1))
    positive = _leaf([*hypotheses, (a, b, c)], claim, first)
    negative = _cases([*hypotheses, (-a, -b, -c)], claim, rest)
    if positive is None or negative is None:
        return None
    return Split(a * ALPHA + b * BETA + c, positive, negative)


def _side(simplex: Simplex, corner: int) -> Line:
    """The form that vanishes at the other two corners and is positive at this one."""
    (a, b, c), (d, e, f) = (g for k, g in enumerate(simplex) if k != corner)
    form = (b * f - c * e, c * d - a * f, a * e - b * d)
    return form if height(form, simplex[corner]) > 0 else (-form[0], -form[1], -form[2])


def _primitive(form: Line) -> Line:
    divisor = gcd(*form)
    return form[0] // divisor, form[1] // divisor, form[2] // divisor


def _leaf(hypotheses: Sequence[Line | None], claim: Poly, simplex: Simplex) -> Leaf | None:
    """The claim on one triangle, each weight a positive multiple of a hypothesis or a positive constant."""
    places: list[int | None] = []
    scales: list[Fraction] = []
    for corner in range(3):
        form = _side(simplex, corner)
        unit = Fraction(1, height(form, simplex[corner]))
        if not form[0] and not form[1]:
            places.append(None)
            scales.append(form[2] * unit)
            continue
        wanted = _primitive(form)
        place = next((k for k, h in enumerate(hypotheses) if h is not None and _primitive(h) == wanted), None)
        if place is None:
            return None
        places.append(place)
        scales.append(unit * _ratio(form, hypotheses[place]))
    summands: dict[tuple[int, ...], Fraction] = {}
    for exponents, c in expand(claim, simplex).items():
        powers, coefficient = [0] * len(hypotheses), Fraction(c)
        for place, scale, k in zip(places, scales, exponents, strict=True):
            coefficient *= scale**k
            if place is not None:
                powers[place] += k
        key = tuple(powers)
        summands[key] = summands.get(key, Fraction(0)) + coefficient
    return Leaf(tuple((c, powers) for powers, c in sorted(summands.items())))


def _ratio(form: Line, hypothesis: Line | None) -> Fraction:
    assert hypothesis is not None
    return next(Fraction(f, h) for f, h in zip(form, hypothesis, strict=True) if h)
