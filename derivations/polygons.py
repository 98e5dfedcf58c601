"""Convex polygons in the (alpha, beta) plane and polynomials on them, exactly.

Linear inequalities cut out a convex polygon, possibly unbounded, with rational vertices and rays. It is a union of
projective triangles; on each, (alpha, beta, 1) is a combination of three generators with weights s0, s1, s2 >= 0, and
a polynomial whose homogenisation has only non-negative coefficients in the weights is non-negative there. Substituting
the generators is all a reader has to do to check it.

For points alone this is the Bernstein form of Polya and Handelman type; rays are generators at infinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd

from derivations.algebra import Point, Poly, terms, total_degree
from derivations.exponents import plain_ratio
from derivations.grammar import Relation

Generator = tuple[int, int, int]
"""Homogeneous (x, y, w) with w >= 0: the point (x/w, y/w), or for w = 0 the ray in direction (x, y)."""
Line = tuple[int, int, int]
"""a*alpha + b*beta + c > 0."""
Simplex = tuple[Generator, Generator, Generator]


def line_of(p: Poly, sign: int) -> Line | None:
    """The half-plane ``sign * p > 0`` of a linear polynomial, or None."""
    if total_degree(p) != 1:
        return None
    a = b = c = 0
    for i, j, k in terms(p)[2]:
        if i:
            a = k
        elif j:
            b = k
        else:
            c = k
    return sign * a, sign * b, sign * c


def _reduced(x: int, y: int, w: int) -> Generator:
    g = gcd(x, y, w)
    return x // g, y // g, w // g


def half_planes(relations: Iterable[Relation]) -> tuple[Line, ...]:
    """The linear relations among the given ones as half-planes; others are left out."""
    out = []
    for relation in relations:
        difference = plain_ratio(relation.left) - plain_ratio(relation.right)
        line = line_of(difference.num, 1 if relation.op in (">", ">=") else -1)
        if line is not None and difference.den.is_ground:
            out.append(line)
    return tuple(out)


def interior_point(lines: tuple[Line, ...]) -> Point | None:
    """A rational point inside the open polygon of the half-planes, None if it is empty (or has no corner)."""
    simplices = triangulate(lines)
    if not simplices:
        return None
    x, y, w = (sum(k * g[i] for k, g in zip((3, 5, 7), simplices[0], strict=True)) for i in range(3))
    return Fraction(x, w), Fraction(y, w)


def height(line: Line, v: Generator) -> int:
    """Value of the line's form at a homogeneous point: positive inside."""
    return line[0] * v[0] + line[1] * v[1] + line[2] * v[2]


def _is_antipodal(u: Generator, v: Generator) -> bool:
    return u[2] == 0 == v[2] and u[0] == -v[0] and u[1] == -v[1]


@lru_cache(maxsize=20_000)
def polygon(lines: tuple[Line, ...]) -> tuple[Generator, ...]:
    """Vertices and rays, counter-clockwise, of the closed polygon on which all lines are non-negative.

    Empty if the open polygon is empty. Points may repeat a side's direction (three on a line), never coincide.

    >>> polygon(((1, 0, 0), (0, 1, 0)))
    ((0, 0, 1), (1, 0, 0), (0, 1, 0))
    """
    if not lines:
        return ()
    vertices: list[Generator] = [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
    for line in lines:
        heights = [height(line, v) for v in vertices]
        if all(h <= 0 for h in heights):
            return ()
        kept: list[Generator] = []
        for k, v in enumerate(vertices):
            h, u, g = heights[k], vertices[(k + 1) % len(vertices)], heights[(k + 1) % len(vertices)]
            if h >= 0:
                kept.append(v)
            if (h > 0 > g) or (h < 0 < g):
                s, t = abs(g), abs(h)
                kept.append(_reduced(s * v[0] + t * u[0], s * v[1] + t * u[1], s * v[2] + t * u[2]))
        vertices = []
        for k, v in enumerate(kept):
            vertices.append(v)
            if _is_antipodal(v, kept[(k + 1) % len(kept)]):
                a, b, c = line
                vertices.append(_reduced(-a * c, -b * c, a * a + b * b))
    start = next((k for k, v in enumerate(vertices) if v[2]), 0)
    return tuple(vertices[start:] + vertices[:start])


def edges(lines: Sequence[Line]) -> list[Line]:
    """Those lines that carry a side of the polygon: an irredundant description."""
    corners = polygon(tuple(lines))
    return [line for line in dict.fromkeys(lines) if _carries(line, corners)]


def _carries(line: Line, corners: Sequence[Generator]) -> bool:
    on = [v for v in corners if height(line, v) == 0]
    return len(on) >= 2 and any(v[2] for v in on)


def _det(s: Simplex) -> int:
    (a, b, c), (d, e, f), (g, h, i) = s
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


@lru_cache(maxsize=20_000)
def triangulate(lines: tuple[Line, ...]) -> tuple[Simplex, ...]:
    """A fan of projective triangles that covers the polygon, apex at a finite vertex."""
    corners = polygon(lines)
    if not corners or not corners[0][2]:
        return ()
    fan = ((corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1))
    return tuple(s for s in fan if _det(s))


_Form = dict[tuple[int, int, int], int]


def _times(p: _Form, q: _Form) -> _Form:
    out: _Form = {}
    for (a, b, c), x in p.items():
        for (d, e, f), y in q.items():
            key = (a + d, b + e, c + f)
            out[key] = out.get(key, 0) + x * y
    return out


def expand(p: Poly, simplex: Simplex) -> _Form:
    """Coefficients in the weights (s0, s1, s2) of the homogenised polynomial on a projective triangle."""
    degree = total_degree(p)
    units = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    powers: list[list[_Form]] = []
    for axis in range(3):
        form: _Form = {u: g[axis] for u, g in zip(units, simplex, strict=True) if g[axis]}
        chain: list[_Form] = [{(0, 0, 0): 1}]
        for _ in range(degree):
            chain.append(_times(chain[-1], form))
        powers.append(chain)
    total: _Form = {}
    for i, j, c in terms(p)[2]:
        product = _times(_times(powers[0][i], powers[1][j]), powers[2][degree - i - j])
        for key, x in product.items():
            total[key] = total.get(key, 0) + c * x
    return {k: v for k, v in total.items() if v}


def is_nonnegative_on(p: Poly, sign: int, simplex: Simplex) -> bool:
    """Whether all coefficients of ``sign * p`` on the triangle are non-negative, and one is positive."""
    coefficients = expand(p, simplex).values()
    return bool(coefficients) and all(sign * c > 0 for c in coefficients)
