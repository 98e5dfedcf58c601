"""Where two curves meet, and whether a curve passes through a point with algebraic coordinates: exactly."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt

from sympy.polys.domains import ZZ

from derivations.algebra import RING, Poly, resultant, terms
from phases.roots import (
    Root,
    Univariate,
    compare,
    in_beta,
    irreducible_factors,
    merge_roots,
    sign_at,
    slice_alpha,
    slice_beta,
)


def vanishes_at(p: Univariate, root: Root) -> bool:
    """Whether a univariate polynomial vanishes at a root of an irreducible polynomial."""
    if not p:
        return True
    if root.rational:
        return sign_at(p, root.lo) == 0
    return root.poly in irreducible_factors(p)


def _swap(p: Poly) -> Poly:
    return RING.from_dict({(j, i): c for (i, j), c in p.items()})


def _eliminate(p: Poly, q: Poly) -> Univariate:
    """The univariate polynomial in alpha whose roots include those of all common points."""
    if terms(p)[1] == 0:
        return in_beta(p)[0]
    if terms(q)[1] == 0:
        return in_beta(q)[0]
    return in_beta(resultant(p, q))[0]


def eliminate_alpha(p: Poly, f: Univariate) -> Univariate:
    """A polynomial in beta that vanishes wherever p does on a vertical line through a root of f.

    It is not zero unless f divides p.
    """
    line = RING.from_dict({(0, i): ZZ(c) for i, c in enumerate(f) if c})
    return in_beta(resultant(_swap(p), line))[0]


def _rational_slice_meets(p: Univariate, q: Univariate) -> list[Univariate]:
    """Common irreducible factors of two univariate polynomials; a zero polynomial vanishes everywhere."""
    if not p:
        return list(irreducible_factors(q))
    if not q:
        return list(irreducible_factors(p))
    return [f for f in irreducible_factors(p) if f in irreducible_factors(q)]


def intersections(p: Poly, q: Poly) -> Iterator[tuple[Root, Root]]:
    """All real common points of two distinct irreducible curves, exactly."""
    if terms(p)[1] == 0 == terms(q)[1]:
        return
    columns = merge_roots([_eliminate(p, q)])
    rows = merge_roots([_eliminate(_swap(p), _swap(q))])
    for alpha in columns:
        if alpha.rational:
            a = alpha.lo
            for beta in merge_roots(_rational_slice_meets(slice_alpha(p, a), slice_alpha(q, a))):
                yield alpha, beta
            continue
        for beta in rows:
            if passes_through(p, alpha, beta) and passes_through(q, alpha, beta):
                yield alpha, beta


def passes_through(p: Poly, alpha: Root, beta: Root) -> bool:
    """Whether p vanishes at (alpha, beta), exactly, for any pair of real algebraic numbers.

    With two irrational coordinates the value is bounded from below unless it vanishes (`smallest_value`), and
    intervals are refined until they exclude zero or lie within that bound.
    """
    if alpha.rational:
        return vanishes_at(slice_alpha(p, alpha.lo), beta)
    if beta.rational:
        return vanishes_at(slice_beta(p, beta.lo), alpha)
    alpha, beta = minimal(alpha), minimal(beta)
    least = smallest_value(p, alpha.poly, beta.poly)
    width = Fraction(1, 2**16)
    while True:
        alpha.refine_to(width)
        beta.refine_to(width)
        if alpha.rational or beta.rational:
            return passes_through(p, alpha, beta)
        low, high = enclose(p, alpha, beta)
        if low > 0 or high < 0:
            return False
        if -least < low and high < least:
            return True
        width = width * width


def minimal(root: Root) -> Root:
    """The same number as a root of its minimal polynomial (`phases.roots.real_roots` may leave a product)."""
    for f in irreducible_factors(root.poly):
        for candidate in merge_roots([f]):
            if compare(candidate, root) == 0:
                return candidate
    raise AssertionError("a root is a root of one of its polynomial's factors")


def smallest_value(p: Poly, f: Univariate, g: Univariate) -> Fraction:
    """A number that |p(a, b)| reaches unless p(a, b) = 0, for roots a of f and b of g, both irreducible.

    Liouville's inequality: with D = deg f deg g, |p(a, b)| >= L(p)^(1-D) M(a)^(-D deg_a(p) / deg f)
    M(b)^(-D deg_b(p) / deg g), where L is the sum of the absolute coefficients and M, Mahler's measure, is at most
    the Euclidean norm of the minimal polynomial (Landau).

    Source: Waldschmidt, Diophantine Approximation on Linear Algebraic Groups, 2000, Proposition 3.14.
    """
    da, db, rows = terms(p)
    length = sum(abs(c) for _, _, c in rows)
    norm_a, norm_b = (isqrt(sum(c * c for c in q)) + 1 for q in (f, g))
    m, n = len(f) - 1, len(g) - 1
    return Fraction(1, length ** (m * n - 1) * norm_a ** (n * da) * norm_b ** (m * db))


def enclose(p: Poly, alpha: Root, beta: Root) -> tuple[Fraction, Fraction]:
    """Bounds of p on the box of the two isolating intervals."""
    low = high = Fraction(0)
    for i, j, c in terms(p)[2]:
        xs, ys = _powers(alpha, i), _powers(beta, j)
        products = [c * x * y for x in xs for y in ys]
        low, high = low + min(products), high + max(products)
    return low, high


def _powers(root: Root, n: int) -> list[Fraction]:
    """Numbers among which are the smallest and the largest n-th power on the root's interval."""
    if n == 0:
        return [Fraction(1)]
    ends = [root.lo**n, root.hi**n]
    return [*ends, Fraction(0)] if root.lo < 0 < root.hi else ends
