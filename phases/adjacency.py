"""Which open cells of a decomposition share a piece of boundary, and what surrounds a point.

Two sectors of one cylinder are neighbours across the section between them. Two sectors of neighbouring cylinders are
neighbours if some horizontal segment joins them across the critical line; a rational height at which no curve is met
in between shows it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derivations.algebra import Point, Poly, terms
from derivations.budget import spend
from phases.intersections import passes_through, vanishes_at
from phases.planar import Decomposition
from phases.roots import (
    Root,
    between_roots,
    compare,
    in_beta,
    merge_roots,
    real_roots,
    slice_alpha,
    slice_beta,
    sort_roots,
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Two cells (numbered in the order of `Decomposition.cells`) with common boundary on the curves ``polys``.

    ``polys`` is empty where the cells are separated by an artificial critical line only.
    """

    first: int
    second: int
    polys: tuple[Poly, ...]


def contacts(decomposition: Decomposition) -> Iterator[Contact]:
    """All pairs of neighbouring cells."""
    start = 0
    starts = []
    for cylinder in decomposition.cylinders:
        spend()
        starts.append(start)
        for k, (owner, _) in enumerate(cylinder.sections):
            yield Contact(start + k, start + k + 1, (decomposition.polys[owner],))
        start += len(cylinder.cells)
    for k, root in enumerate(decomposition.critical):
        spend()
        vertical = tuple(p for p in decomposition.polys if _is_line_at(p, root))
        for i, j in sorted(_across(decomposition, k, root)):
            yield Contact(starts[k] + i, starts[k + 1] + j, vertical)


def _is_line_at(p: Poly, root: Root) -> bool:
    if terms(p)[1]:
        return False
    return vanishes_at(in_beta(p)[0], root)


def _across(decomposition: Decomposition, k: int, root: Root) -> set[tuple[int, int]]:
    if not root.rational:
        return _matching_signs(decomposition, k, root)
    curves = [p for p in decomposition.polys if terms(p)[1] > 0]
    left, right = decomposition.cylinders[k], decomposition.cylinders[k + 1]
    found: set[tuple[int, int]] = set()
    for beta in _gaps(merge_roots([slice_alpha(p, root.lo) for p in curves])):
        lo, hi = _strip(root, merge_roots([slice_beta(p, beta) for p in curves]))
        found.add((_sector(curves, max(lo, left.alpha), beta), _sector(curves, min(hi, right.alpha), beta)))
    return found


def _matching_signs(decomposition: Decomposition, k: int, root: Root) -> set[tuple[int, int]]:
    """Neighbours across an irrational critical line: sectors with equal signs of all curves, in order.

    Two sectors that share a segment of the line have equal signs there. The converse fails only where a sector ends
    in a point of the line and another one with the same signs begins on it.
    """
    curves = [i for i, p in enumerate(decomposition.polys) if terms(p)[1] > 0]
    stacks: list[dict[tuple[int, ...], list[int]]] = []
    for cylinder in decomposition.cylinders[k : k + 2]:
        places: dict[tuple[int, ...], list[int]] = {}
        for j, cell in enumerate(cylinder.cells):
            places.setdefault(tuple(cell.signs[i] for i in curves), []).append(j)
        stacks.append(places)
    found: set[tuple[int, int]] = set()
    for signs, mine in stacks[0].items():
        found.update(zip(mine, stacks[1].get(signs, []), strict=False))
    return found


def _gaps(roots: list[Root]) -> list[Fraction]:
    ends: list[Root | None] = [None, *roots, None]
    return [between_roots(a, b) for a, b in itertools.pairwise(ends)]


def _sector(curves: Sequence[Poly], alpha: Fraction, beta: Fraction) -> int:
    height = Root((-beta.numerator, beta.denominator), beta, beta, 0)
    return sum(compare(r, height) < 0 for p in curves for r in real_roots(slice_alpha(p, alpha)))


def surroundings(decomposition: Decomposition, alpha: Root, beta: Root) -> list[Point]:
    """One rational point in each open cell that touches the point (alpha, beta), exactly.

    A box around the point is made so low that curves which do not pass through the point stay out, and so thin that
    no curve leaves it through its top or bottom and no other critical line meets it. The cells that touch the point
    are then those that meet the left and right sides of the box.
    """
    curves = [p for p in decomposition.polys if terms(p)[1] > 0]
    through = [p for p in curves if passes_through(p, alpha, beta, decomposition.polys)]
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
