"""Checking the evidence of one sign claim afresh: shift certificates by expansion, sample points by Sturm counts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import Poly

from phases.proof.reading import A, B, Failure, Point, normal_form, read_poly, read_rational, value_at

_S = sympy.symbols("s0 s1 s2")


def check_evidence(walls: Sequence[Any], literal: Any, evidence: dict[str, Any]) -> None:
    """Check that the walls imply the literal, by the evidence given; raises `Failure`."""
    if "hypothesis" in evidence:
        if normal_form(literal) not in {normal_form(w) for w in walls}:
            raise Failure("a claim said to be a wall is none")
        return
    if "shift" in evidence:
        _check_shift(walls, literal, evidence["shift"])
        return
    cells = evidence["cells"]
    polys = [read_poly(t) for t in cells["polys"]]
    missing = {normal_form(p) for p in (*walls, literal)} - {normal_form(p) for p in polys}
    if missing:
        raise Failure("a cell decomposition leaves out a polynomial")
    for point in complete_samples(polys, cells["samples"]):
        if all(value_at(w, point) > 0 for w in walls) and value_at(literal, point) <= 0:
            raise Failure("a claimed sign fails in a cell")


def _check_shift(walls: Sequence[Any], literal: Any, simplices: Sequence[Sequence[Sequence[int]]]) -> None:
    lines = [tuple(w.coeff_monomial(m) for m in (A, B, 1)) for w in walls if w.total_degree() == 1]
    corners = _corners(lines)
    for s in simplices:
        if len(s) != 3 or any(g[2] < 0 or not any(g) for g in s):
            raise Failure("a triangle of a shift certificate has a generator that is no point and no ray")
        if any(sum(a * b for a, b in zip(line, g, strict=True)) < 0 for line in lines for g in s):
            raise Failure("a triangle of a shift certificate leaves the region")
    generators = [tuple(int(x) for x in g) for s in simplices for g in s]
    if not corners <= {_direction(g) for g in generators}:
        raise Failure("a shift certificate misses a corner of its region")
    _check_fan(lines, simplices)
    degree = literal.total_degree()
    for simplex in simplices:
        x, y, w = (sum(s * g[k] for s, g in zip(_S, simplex, strict=True)) for k in range(3))
        total = sum(c * x**i * y**j * w ** (degree - i - j) for (i, j), c in literal.terms())
        coefficients = Poly(sympy.expand(total), *_S).coeffs()
        if any(c < 0 for c in coefficients) or not any(c > 0 for c in coefficients):
            raise Failure("a shift certificate has a negative coefficient")


def _direction(g: Sequence[Any]) -> tuple[Any, ...]:
    """A canonical positive multiple of a homogeneous generator."""
    values = [sympy.Rational(v) for v in g]
    scale = values[2] if values[2] else sum(abs(v) for v in values)
    return tuple(v / scale for v in values)


def _corners(lines: Sequence[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """Vertices and extreme rays of a polygon by brute force over pairs of lines."""
    out = set()
    infinity = (sympy.Integer(0), sympy.Integer(0), sympy.Integer(1))
    everything = [*lines, infinity]
    for i, u in enumerate(everything):
        for v in everything[i + 1 :]:
            cross = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
            for sign in (1, -1):
                point = tuple(sign * c for c in cross)
                if any(point) and all(sum(a * b for a, b in zip(line, point, strict=True)) >= 0 for line in everything):
                    out.add(_direction(point))
    return out


def _check_fan(lines: Sequence[tuple[Any, ...]], simplices: Sequence[Sequence[Sequence[int]]]) -> None:
    """The triangles share an apex, follow each other, and their outer sides lie on the region's sides or at infinity.

    A fan around a corner of a convex polygon with these properties covers it.
    """
    turns = {sympy.sign(sympy.Matrix([list(g) for g in s]).det()) for s in simplices}
    if turns not in ({1}, {-1}):
        raise Failure("the triangles of a shift certificate are flat or turn both ways")
    apex = simplices[0][0]
    if any(list(s[0]) != list(apex) for s in simplices):
        raise Failure("the triangles of a shift certificate have no common apex")
    for s, t in itertools.pairwise(simplices):
        if list(s[2]) != list(t[1]) and not _same_side(lines, (apex, s[2], t[1])):
            raise Failure("the triangles of a shift certificate leave a gap")
    for s in simplices:
        if not _same_side(lines, (s[1], s[2])):
            raise Failure("a triangle of a shift certificate does not reach the region's side")
    for g in (simplices[0][1], simplices[-1][2]):
        if not _same_side(lines, (apex, g)):
            raise Failure("the outer triangles of a shift certificate do not reach the region's sides")


def _same_side(lines: Sequence[tuple[Any, ...]], generators: Sequence[Sequence[int]]) -> bool:
    everything = [*lines, (0, 0, 1)]
    return any(all(sum(a * b for a, b in zip(line, g, strict=True)) == 0 for g in generators) for line in everything)


def complete_samples(polys: Sequence[Any], samples: Sequence[Any]) -> list[Point]:
    """The sample points, after confirming by Sturm counts that every open cell has one."""
    alphas = [read_rational(a) for a, _ in samples]
    projections = []
    for k, p in enumerate(polys):
        q = Poly(p.as_expr(), B)
        projections.append(q.LC() if q.degree() else p.as_expr())
        if q.degree() >= 2:
            projections.append(sympy.discriminant(p.as_expr(), B))
        for r in polys[k + 1 :]:
            if q.degree() and Poly(r.as_expr(), B).degree():
                projections.append(sympy.resultant(p.as_expr(), r.as_expr(), B))
    if any(e == 0 for e in projections):
        raise Failure("two polynomials of a decomposition have a common factor")
    factors = {f.monic() for e in projections for f, _ in Poly(e, A, domain="QQ").factor_list()[1]}
    _check_separation(factors, A, alphas)
    out: list[Point] = []
    for (_, raw), alpha in zip(samples, alphas, strict=True):
        betas = [read_rational(b) for b in raw]
        a = sympy.Rational(alpha.numerator, alpha.denominator)
        slices = {f.monic() for p in polys for f, _ in Poly(p.as_expr().subs(A, a), B, domain="QQ").factor_list()[1]}
        _check_separation(slices, B, betas)
        out.extend((alpha, b) for b in betas)
    return out


def _check_separation(polys: set[Any], variable: Any, samples: Sequence[Fraction]) -> None:
    """Every open interval between consecutive real roots of the irreducible polynomials has a sample point."""
    product = Poly(1, variable, domain="QQ")
    for p in polys:
        product *= p
    points = [sympy.Rational(s.numerator, s.denominator) for s in samples]
    if not points or sorted(points) != points or any(product.eval(x) == 0 for x in points):
        raise Failure("sample points are missing, out of order or on a curve")
    if product.degree() < 1:
        return
    ends = [-sympy.oo, *points, sympy.oo]
    counts = [sum(p.count_roots(lo, hi) for p in polys if p.degree()) for lo, hi in itertools.pairwise(ends)]
    if counts[0] or counts[-1] or any(c > 1 for c in counts):
        raise Failure("sample points leave out a cell")
