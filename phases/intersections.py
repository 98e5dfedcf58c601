"""Where two curves meet, and whether a curve passes through a point with algebraic coordinates: exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

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
        irrational = []
        for beta in rows:
            if not beta.rational:
                irrational.append(beta)
            elif alpha.poly in _rational_slice_meets(slice_beta(p, beta.lo), slice_beta(q, beta.lo)):
                yield alpha, beta
        for beta in _irrational_heights(p, q, alpha, irrational):
            yield alpha, beta


def passes_through(p: Poly, alpha: Root, beta: Root, curves: Sequence[Poly]) -> bool:
    """Whether p vanishes at (alpha, beta). If both are irrational, the point must lie on two of ``curves``."""
    if alpha.rational:
        return vanishes_at(slice_alpha(p, alpha.lo), beta)
    if beta.rational:
        return vanishes_at(slice_beta(p, beta.lo), alpha)
    return any(meet_at(p, q, alpha, beta) for q in curves if q != p)


def _irrational_heights(p: Poly, q: Poly, alpha: Root, rows: Sequence[Root]) -> list[Root]:
    """Which of the candidate heights are common zeros on the line through an irrational alpha.

    Candidates that are no common zero are excluded by interval arithmetic after finitely many refinements. If a curve
    is linear in beta there is exactly one common zero, so the last candidate standing is it. Otherwise candidates
    that survive to a width of 2^-600, far below the separation of the eliminants that occur here, are kept.
    """
    for curve in (p, q):
        if terms(curve)[1] == 1 and vanishes_at(in_beta(curve)[1], alpha):
            return []
    left = list(rows)
    single = min(d for d in (terms(p)[1], terms(q)[1]) if d) == 1
    width = Fraction(1, 2**16)
    while width > Fraction(1, 2**600) and not (single and len(left) <= 1):
        alpha.refine_to(width)
        for beta in left:
            beta.refine_to(width)
        left = [beta for beta in left if not _misses(p, alpha, beta) and not _misses(q, alpha, beta)]
        width = width * width
    return left


def meet_at(p: Poly, q: Poly, alpha: Root, beta: Root) -> bool:
    """Whether two curves meet at a point with two irrational coordinates."""
    if terms(p)[1] == 0 == terms(q)[1] or not vanishes_at(_eliminate(p, q), alpha):
        return False
    rows = merge_roots([_eliminate(_swap(p), _swap(q))])
    return any(compare(h, beta) == 0 for h in _irrational_heights(p, q, alpha, rows))


def _misses(p: Poly, alpha: Root, beta: Root) -> bool:
    """Whether p has no zero in the box of the two isolating intervals, by interval arithmetic."""
    low = high = Fraction(0)
    for i, j, c in terms(p)[2]:
        xs = [Fraction(1)] if not i else [alpha.lo**i, alpha.hi**i]
        ys = [Fraction(1)] if not j else [beta.lo**j, beta.hi**j]
        if alpha.lo < 0 < alpha.hi and i:
            xs.append(Fraction(0))
        if beta.lo < 0 < beta.hi and j:
            ys.append(Fraction(0))
        products = [c * x * y for x in xs for y in ys]
        low, high = low + min(products), high + max(products)
    return low > 0 or high < 0
