from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derivations.algebra import ALPHA, BETA, ONE, RING, Poly, Rational, factor, format_ratio, resultant, value
from derivations.exponents import resolve
from derivations.grammar import parse
from derivations.polygons import expand, polygon
from phases.planar import decompose
from phases.roots import along, compare, merge_roots, real_roots
from tests.strategies import points

small = st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(-5, 5), min_size=1, max_size=5)
polys = small.map(RING.from_dict).filter(bool)


@given(polys, points)
def test_factors_multiply_back(p: Poly, point: tuple[Fraction, Fraction]) -> None:
    content, factors = factor(p)
    product = ONE * content
    for f, k in factors:
        product = product * f**k
    assert product == p


@given(polys, polys.filter(lambda p: not p.is_ground), points)
def test_text_of_a_ratio_parses_back(num: Poly, den: Poly, point: tuple[Fraction, Fraction]) -> None:
    r = Rational.of(num, den)
    for near in (None, point):
        if near is not None and any(value(f, near) == 0 for q in (r.num, r.den) for f, _ in factor(q)[1]):
            continue
        node = parse(format_ratio(r, near), ("alpha", "beta"))
        assert resolve(node, point, lambda p, why: None) == r


@given(polys, points, points)
def test_along_a_line_is_substitution(
    p: Poly, start: tuple[Fraction, Fraction], way: tuple[Fraction, Fraction]
) -> None:
    u = along(p, start, way)
    for t in (Fraction(0), Fraction(1), Fraction(-3, 7)):
        exact = value(p, (start[0] + t * way[0], start[1] + t * way[1]))
        mine = sum(c * t**k for k, c in enumerate(u))
        assert (exact > 0) == (mine > 0) and (exact < 0) == (mine < 0)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=5).map(tuple), min_size=1, max_size=4))
def test_roots_are_ordered_distinct_and_true(candidates: list[tuple[int, ...]]) -> None:
    roots = merge_roots([p for p in candidates if any(p[1:])])
    for a, b in itertools.pairwise(roots):
        assert compare(a, b) == -1 and compare(b, a) == 1
    for root in roots:
        root.refine_to(Fraction(1, 10**6))
        low, high = (sum(c * x**k for k, c in enumerate(root.poly)) for x in (root.lo, root.hi))
        assert low * high < 0 or (root.rational and low == 0)


def test_quadratic_roots_by_hand() -> None:
    low, high = real_roots((1, -4, 2))
    assert float(low) == pytest.approx(1 - 2**-0.5) and float(high) == pytest.approx(1 + 2**-0.5)


@given(st.lists(polys.filter(lambda p: not p.is_ground), min_size=1, max_size=3), st.lists(points, max_size=6))
def test_every_sign_vector_met_at_random_is_in_the_decomposition(some: list[Poly], probes: list) -> None:  # type: ignore[type-arg]
    factors = list(dict.fromkeys(f for p in some for f, _ in factor(p)[1]))
    decomposition = decompose(factors)
    signs = {c.signs for c in decomposition.cells()}
    for cell in decomposition.cells():
        assert cell.signs == decomposition.signs_at(cell.point)
    for probe in probes:
        vector = decomposition.signs_at(probe)
        assert 0 in vector or vector in signs


@given(st.lists(st.tuples(*[st.integers(-4, 4)] * 3).filter(lambda t: t[:2] != (0, 0)), min_size=1, max_size=5), points)
def test_polygon_generators_satisfy_the_lines(
    lines: list[tuple[int, int, int]], probe: tuple[Fraction, Fraction]
) -> None:
    corners = polygon(tuple(lines))
    for corner in corners:
        assert all(sum(a * b for a, b in zip(line, corner, strict=True)) >= 0 for line in lines)
    if all(a * probe[0] + b * probe[1] + c > 0 for a, b, c in lines):
        assert corners


@given(polys)
def test_expansion_on_a_triangle_is_substitution(p: Poly) -> None:
    simplex = ((0, 0, 1), (1, 2, 1), (1, 0, 0))
    s = (Fraction(1, 2), Fraction(1, 3), Fraction(5))
    x, y, w = (sum(t * g[k] for t, g in zip(s, simplex, strict=True)) for k in range(3))
    form = expand(p, simplex)
    total = sum(c * s[0] ** i * s[1] ** j * s[2] ** k for (i, j, k), c in form.items())
    degree = max(i + j for i, j in p)
    assert total == value(p, (x / w, y / w)) * w**degree


def test_resultant_eliminates_beta() -> None:
    assert resultant(BETA - ALPHA, BETA - 2).monic() == ALPHA - 2
