"""Which signs of a decomposition meet along a curve, and what surrounds a point.

Two sectors of one cylinder meet along the section between them. Across a vertical line the curves keep their signs,
and only the line's own sign changes; heights between all numbers at which curves can meet the line find the signs
along every open piece of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derivations.algebra import Point, Poly, terms
from phases.intersections import eliminate_alpha, passes_through, vanishes_at
from phases.planar import Decomposition, Signs
from phases.roots import (
    Root,
    between_roots,
    compare,
    in_beta,
    irreducible_factors,
    merge_roots,
    real_roots,
    sign_at_root,
    slice_alpha,
    slice_beta,
    sort_roots,
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Two sets of signs whose cells have common boundary somewhere on the curves ``polys``."""

    first: Signs
    second: Signs
    polys: tuple[Poly, ...]


def contacts(decomposition: Decomposition) -> list[Contact]:
    """All pairs of different signs that meet along a curve or a vertical line of the decomposition, each once.

    Cells that meet across any other part of a critical line have equal signs, since no polynomial vanishes there.
    """
    found: dict[Contact, None] = {}
    seen: set[tuple[Signs, int]] = set()
    for column in decomposition.columns:
        signs = column.lowest
        for owner in column.strands:
            if (signs, owner) not in seen:
                above = signs ^ (1 << owner)
                seen.update(((signs, owner), (above, owner)))
                found[Contact(signs, above, (decomposition.polys[owner],))] = None
            signs ^= 1 << owner
    for k, root in enumerate(decomposition.critical):
        lines = [i for i, p in enumerate(decomposition.polys) if _is_line_at(p, root)]
        if lines:
            left, right = (sum(c.lowest & 1 << i for i in lines) for c in decomposition.columns[k : k + 2])
            for signs in _signs_along(decomposition, root, decomposition.columns[k].lowest):
                kept = signs & ~(left | right)
                found[Contact(kept | left, kept | right, tuple(decomposition.polys[i] for i in lines))] = None
    return list(found)


def _is_line_at(p: Poly, root: Root) -> bool:
    return terms(p)[1] == 0 and root.poly in irreducible_factors(in_beta(p)[0])


def _signs_along(decomposition: Decomposition, root: Root, beside: Signs) -> Iterator[Signs]:
    """The signs of the curves on every open piece of a vertical line, lowest first; vertical lines as ``beside``.

    Every piece between two consecutive points of curves holds one of the heights: on a rational line they lie between
    the curves' roots there, on an irrational one between the real roots of the resultants of the curves with the
    line's minimal polynomial, which are more.
    """
    curves = [(i, p) for i, p in enumerate(decomposition.polys) if terms(p)[1] > 0]
    lines = beside & ~sum(1 << i for i, _ in curves)
    if root.rational:
        met = [slice_alpha(p, root.lo) for _, p in curves]
    else:
        met = [eliminate_alpha(p, root.poly) for _, p in curves]
    for beta in _gaps(merge_roots(met)):
        yield lines | sum(1 << i for i, p in curves if sign_at_root(slice_beta(p, beta), root) > 0)


def _gaps(roots: list[Root]) -> list[Fraction]:
    ends: list[Root | None] = [None, *roots, None]
    return [between_roots(a, b) for a, b in itertools.pairwise(ends)]


def surroundings(decomposition: Decomposition, alpha: Root, beta: Root) -> list[Point]:
    """One rational point in each open cell that touches the point (alpha, beta), exactly.

    A box around the point is made so low that curves which do not pass through the point stay out, and so thin that
    no curve leaves it through its top or bottom and no other critical line meets it. The cells that touch the point
    are then those that meet the left and right sides of the box.
    """
    curves = [p for p in decomposition.polys if terms(p)[1] > 0]
    through = [p for p in curves if passes_through(p, alpha, beta)]
    strangers = [p for p in curves if p not in through]
    others = [r for r in decomposition.critical if compare(r, alpha)]
    height = Fraction(1, 64)
    while True:
        bottom, top, leaving = _box(curves, alpha, beta, height)
        lo, hi = _strip(alpha, [*others, *leaving])
        if not any(_in(r, bottom, top) for p in strangers for a in (lo, hi) for r in real_roots(slice_alpha(p, a))):
            break
        height *= Fraction(3, 17)
    out = []
    for a in (lo, hi):
        inside = [r for p in through for r in real_roots(slice_alpha(p, a)) if _in(r, bottom, top)]
        ends: list[Root | None] = [_fixed(bottom), *sort_roots(inside), _fixed(top)]
        out += [(a, between_roots(u, v)) for u, v in itertools.pairwise(ends)]
    return out


def _fixed(x: Fraction) -> Root:
    return Root((-x.numerator, x.denominator), x, x, 0)


def _in(root: Root, low: Fraction, high: Fraction) -> bool:
    return compare(_fixed(low), root) < 0 < compare(_fixed(high), root)


def _box(curves: Sequence[Poly], alpha: Root, beta: Root, height: Fraction) -> tuple[Fraction, Fraction, list[Root]]:
    """A bottom and a top around beta that no curve meets at alpha, and the alphas at which curves do meet them."""
    while True:
        beta.refine_to(height)
        bottom, top = (beta.lo - height, beta.hi + height) if beta.rational else (beta.lo, beta.hi)
        slices = [slice_beta(p, b) for p in curves for b in (bottom, top)]
        if all(slices) and not any(vanishes_at(s, alpha) for s in slices):
            return bottom, top, merge_roots(slices)
        height *= Fraction(3, 17)


def _strip(alpha: Root, avoid: Sequence[Root]) -> tuple[Fraction, Fraction]:
    """Rational bounds around alpha with none of the given roots in between."""
    width = Fraction(1, 64)
    while True:
        alpha.refine_to(width)
        lo, hi = (alpha.lo - width, alpha.hi + width) if alpha.rational else (alpha.lo, alpha.hi)
        left, right = _fixed(lo), _fixed(hi)
        if not any(compare(left, r) <= 0 <= compare(right, r) for r in avoid):
            return lo, hi
        width /= 16
