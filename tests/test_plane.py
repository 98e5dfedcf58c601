"""Strands, contacts and incidence in the plane, against roots found from scratch and points worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy.polys.domains import ZZ
from sympy.polys.rootisolation import dup_isolate_real_roots_sqf

from derivations.algebra import ALPHA, BETA, Poly, factor, sign, sort_key, terms
from phases.adjacency import contacts, surroundings
from phases.intersections import enclose, intersections, passes_through, smallest_value
from phases.planar import Decomposition, decompose
from phases.report import root_text
from phases.roots import (
    Root,
    Univariate,
    between_roots,
    convolve,
    irreducible_factors,
    merge_roots,
    real_roots,
    sign_at_root,
    slice_alpha,
    sort_roots,
)

curves = st.lists(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda m: sum(m) <= 3),
        st.integers(-4, 4).filter(bool),
        min_size=2,
        max_size=4,
    ).map(lambda d: sum((c * ALPHA**i * BETA**j for (i, j), c in d.items()), 0 * ALPHA)),
    min_size=1,
    max_size=4,
)


def irreducible(polys: list[Poly]) -> list[Poly]:
    return sorted({f for p in polys for f, _ in factor(p)[1]}, key=sort_key)


def from_scratch(decomposition: Decomposition, alpha: Fraction) -> list[int]:
    """The curves of the roots above alpha, lowest first, with nothing carried over."""
    owner: dict[int, int] = {}
    roots: list[Root] = []
    for k, p in enumerate(decomposition.polys):
        if terms(p)[1]:
            own = real_roots(slice_alpha(p, alpha))
            owner.update((id(r), k) for r in own)
            roots += own
    return [owner[id(r)] for r in sort_roots(roots)]


@given(curves)
def test_strands_carried_over_equal_roots_found_from_scratch(polys: list[Poly]) -> None:
    decomposition = decompose(irreducible(polys))
    for k, column in enumerate(decomposition.columns):
        assert list(column.strands) == from_scratch(decomposition, column.alpha)
        for j, signs in enumerate(column.signs()):
            assert decomposition.unpack(signs) == decomposition.signs_at(decomposition.sample(k, j))


@pytest.mark.parametrize(
    "polys",
    [
        (BETA, BETA - (ALPHA - 1) ** 2),  # tangency: a double root, no change of order
        (BETA, BETA - (ALPHA - 1) ** 3),  # a crossing of multiplicity three
        (BETA, BETA**2 - (ALPHA - 1) ** 3),  # a line through a cusp
        (BETA, BETA**2 - ALPHA**2 * (ALPHA + 1)),  # a line through a node
        (BETA, ALPHA * BETA - 1),  # a pole: a strand leaves below and comes back from above
        (BETA - ALPHA, BETA + ALPHA, BETA),  # three curves in one point
        (BETA**2 - ALPHA, BETA**2 + ALPHA - 2),  # two crossings on one line, folds beside them
        (BETA**2 + 1 - ALPHA**2, BETA - 3 * ALPHA),  # common points that are not real
        (BETA, ALPHA * BETA**2 + BETA - ALPHA**2, BETA**3 - BETA - ALPHA),  # a crossing, and a pole beside it
        (ALPHA**2 - 2, BETA - ALPHA, BETA + ALPHA**2 - 2),  # a vertical line that is irrational
    ],
)
def test_strands_at_crossings_of_every_kind(polys: tuple[Poly, ...]) -> None:
    decomposition = decompose(irreducible(list(polys)))
    for column in decomposition.columns:
        assert list(column.strands) == from_scratch(decomposition, column.alpha)


def test_sectors_that_touch_an_irrational_line_in_one_point_have_no_contact() -> None:
    line, above, below = ALPHA**2 - 2, BETA - (ALPHA**2 - 2) ** 2, BETA + (ALPHA**2 - 2) ** 2
    decomposition = decompose([line, above, below])
    found = {
        (decomposition.unpack(c.first)[1:], decomposition.unpack(c.second)[1:])
        for c in contacts(decomposition)
        if c.polys == (line,)
    }
    assert found == {((1, 1), (1, 1)), ((-1, -1), (-1, -1))}, "the sector between ends in (sqrt 2, 0) on both sides"


@pytest.mark.parametrize("line", [ALPHA - 1, ALPHA**2 - 2, ALPHA**3 - ALPHA - 1])
@given(curves)
def test_contacts_across_a_line_are_the_signs_found_beside_it(line: Poly, polys: list[Poly]) -> None:
    decomposition = decompose(irreducible([line, *polys]))
    here = decomposition.polys.index(line)
    met = {frozenset((c.first, c.second)) for c in contacts(decomposition) if line in c.polys}
    for first, second in met:
        assert (first ^ second) >> here & 1
    for root in decomposition.critical:
        if root.poly not in {r.poly for r in merge_roots([_in_alpha(line)])}:
            continue
        for k in range(-40, 41):
            beta = Fraction(2 * k + 1, 14)
            beside = [_beside(decomposition, root, beta, side) for side in (-1, 1)]
            if None not in beside:
                assert frozenset(beside) in met


def _in_alpha(p: Poly) -> Univariate:
    out = [0] * (terms(p)[0] + 1)
    for i, _, c in terms(p)[2]:
        out[i] = c
    return tuple(out)


def _beside(decomposition: Decomposition, root: Root, beta: Fraction, side: int) -> int | None:
    """Signs a little to one side of (root, beta); None where a curve passes between."""
    root.refine_to(Fraction(1, 10**9))
    near = (root.lo if side < 0 else root.hi) + Fraction(side, 10**9)
    far = near + Fraction(side, 10**6)
    signs = [decomposition.signs_at((a, beta)) for a in (near, far)]
    other = decomposition.signs_at(((root.hi if side < 0 else root.lo) - Fraction(side, 10**9), beta))
    lines = [k for k, p in enumerate(decomposition.polys) if not terms(p)[1]]
    changed = [k for k in range(len(other)) if other[k] != signs[0][k] and k not in lines]
    return None if signs[0] != signs[1] or changed or 0 in signs[0] else decomposition.pack(signs[0])


def texts(p: Poly, q: Poly) -> set[tuple[str, str]]:
    return {(root_text(a), root_text(b)) for a, b in intersections(p, q)}


def test_common_points_by_hand() -> None:
    assert texts(ALPHA**2 + BETA**2 - 5, ALPHA * BETA - 1) == texts(ALPHA * BETA - 1, ALPHA**2 + BETA**2 - 5)
    assert len(texts(ALPHA**2 + BETA**2 - 5, ALPHA * BETA - 1)) == 4
    tangent = texts(ALPHA**2 + BETA**2 - 4, ALPHA * BETA - 2)
    assert tangent == {("sqrt(2)", "sqrt(2)"), ("-sqrt(2)", "-sqrt(2)")}, "an hyperbola that touches a circle"
    cusp = texts((BETA**2 - 2) ** 2 - (ALPHA**2 - 3) ** 3, (BETA**2 - 2) - (ALPHA**2 - 3))
    assert {("sqrt(3)", "sqrt(2)"), ("2", "sqrt(3)")} <= cusp


def test_a_third_curve_through_an_irrational_point_is_told_from_one_that_misses_it() -> None:
    (alpha, beta) = next(
        (a, b) for a, b in intersections(ALPHA**2 + BETA**2 - 5, ALPHA * BETA - 1) if float(a) > 0 and float(b) > 1
    )
    assert passes_through((ALPHA + BETA) ** 2 - 7, alpha, beta)
    assert passes_through(ALPHA**3 * BETA**2 + BETA - ALPHA - BETA, alpha, beta)
    tiny = 10**250
    assert not passes_through(tiny * ((ALPHA + BETA) ** 2 - 7) + 1, alpha, beta), "2^-830 away: no fixed width tells"


@given(st.tuples(*[st.integers(-5, 5)] * 6).filter(any))
def test_a_value_is_zero_or_at_least_the_bound(c: tuple[int, ...]) -> None:
    p = c[0] + c[1] * ALPHA + c[2] * BETA + c[3] * ALPHA * BETA + c[4] * ALPHA**2 + c[5] * BETA**2
    if p.is_ground:
        return
    (alpha,) = real_roots((-2, 0, 0, 1))
    beta = real_roots((1, -3, 1))[1]
    zero = passes_through(p, alpha, beta)
    least = smallest_value(p, alpha.poly, beta.poly)
    alpha.refine_to(least / 10**6)
    beta.refine_to(least / 10**6)
    low, high = enclose(p, alpha, beta)
    assert low <= 0 <= high if zero else max(abs(low), abs(high)) >= least


def test_the_surroundings_of_a_point_where_four_sectors_meet() -> None:
    decomposition = decompose([ALPHA**2 + BETA**2 - 4, ALPHA * BETA - 2])
    (point,) = [(a, b) for a, b in intersections(*decomposition.polys) if float(a) > 0]
    around = {tuple(sign(p, q) for p in decomposition.polys) for q in surroundings(decomposition, *point)}
    assert around == {(-1, -1), (1, -1), (1, 1)}, "inside the circle the product stays below two"


@given(st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=5).map(tuple), min_size=1, max_size=3))
def test_the_rational_between_two_roots_depends_on_the_roots_alone(some: list[Univariate]) -> None:
    some = [p for p in some if any(p[1:])]
    coarse, fine = merge_roots(some), merge_roots(some)
    for root in fine:
        root.refine_to(Fraction(1, 10**30))
    ends, sharp = [None, *coarse, None], [None, *fine, None]
    for k in range(len(ends) - 1):
        assert between_roots(ends[k], ends[k + 1]) == between_roots(sharp[k], sharp[k + 1])


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=5).map(tuple))
def test_the_sign_at_an_irrational_number(p: Univariate) -> None:
    p = tuple(p) if p[-1] else (*p, 1)
    root = real_roots((-2, 0, 1))[1]
    whole = sum(c * 2 ** (k // 2) for k, c in enumerate(p) if k % 2 == 0)
    odd = sum(c * 2 ** (k // 2) for k, c in enumerate(p) if k % 2)
    total = whole + odd * 2**0.5
    assert sign_at_root(p, root) == (0 if whole == odd == 0 else 1 if total > 0 else -1)


@given(st.tuples(*[st.integers(-30, 30)] * 3, st.integers(-9, 9).filter(bool)))
def test_the_roots_of_cubics_are_those_of_an_independent_isolation(p: Univariate) -> None:
    intervals = dup_isolate_real_roots_sqf([ZZ(c) for c in reversed(_squarefree(p))], ZZ)
    roots = merge_roots([p])
    assert len(roots) == len(intervals)
    for root, (low, high) in zip(roots, intervals, strict=True):
        root.refine_to(Fraction(1, 10**9))
        assert root.lo <= Fraction(str(high)) and Fraction(str(low)) <= root.hi


def _squarefree(p: Univariate) -> Univariate:
    out: Univariate = (1,)
    for f in irreducible_factors(p):
        out = convolve(out, f)
    return out
