"""The open cylindrical decomposition of the (alpha, beta) plane.

Given irreducible polynomials, the plane minus their zero sets falls into cells; this module returns one rational
point in every cell of a cylindrical refinement, with all signs. Projection (leading coefficients, discriminants and
pairwise resultants with respect to beta) gives the critical alphas; between two of them the real roots in beta are
ordered continuous functions, so one rational alpha stands for the whole cylinder, and one rational beta between two
consecutive roots stands for a sector. Open cells suffice: every statement decided here is about closures of open
sets. Only rational sample points occur; algebraic numbers are isolating intervals.

Source: Collins' projection in the form of McCallum 1993 / Strzebonski 2000 for strict inequalities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from derivations.algebra import Point, Poly, discriminant, resultant, sign, terms
from derivations.budget import spend
from derivations.errors import NotDecided
from phases.roots import (
    Root,
    Univariate,
    between_roots,
    convolve,
    in_beta,
    merge_roots,
    real_roots,
    slice_alpha,
    sort_roots,
    subtract,
)

Literal = tuple[Poly, int]
"""A polynomial and the strict sign (+1 or -1) that it must have."""


Stacks = tuple[tuple[Fraction, tuple[Fraction, ...]], ...]
"""Sample alphas, each with the sample betas above it."""


class TooComplex(NotDecided):
    """The decomposition would pass its bounds; the question is left undecided."""


MAX_PROJECTION_DEGREE = 400


@dataclass(frozen=True, slots=True)
class Cell:
    """An open cell: a rational point in it and the sign of every polynomial there."""

    point: Point
    signs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cylinder:
    """All points with alpha between two consecutive critical values.

    ``sections`` are the roots in beta at the sample alpha, lowest first, each with the index of its polynomial;
    ``cells`` are the sectors between them, lowest first, one more than the sections.
    """

    left: Root | None
    right: Root | None
    alpha: Fraction
    sections: tuple[tuple[int, Root], ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The cylinders over the alpha axis, left to right."""

    polys: tuple[Poly, ...]
    critical: tuple[Root, ...]
    cylinders: tuple[Cylinder, ...]

    def cells(self) -> Iterator[Cell]:
        """All cells, cylinder by cylinder, lowest first."""
        for cylinder in self.cylinders:
            yield from cylinder.cells

    def stacks(self) -> Stacks:
        """The sample points, alpha by alpha."""
        return tuple((c.alpha, tuple(cell.point[1] for cell in c.cells)) for c in self.cylinders)

    def signs_at(self, point: Point) -> tuple[int, ...]:
        """Signs of all polynomials at a rational point."""
        return tuple(sign(p, point) for p in self.polys)


@lru_cache(maxsize=100_000)
def _pair_resultant(p: Poly, q: Poly) -> Univariate:
    a, b = in_beta(p), in_beta(q)
    if len(a) == 2 and len(b) == 2:
        return subtract(convolve(a[1], b[0]), convolve(b[1], a[0]))
    if len(a) < len(b):
        p, q = q, p
    return in_beta(resultant(p, q))[0]


@lru_cache(maxsize=100_000)
def _own_projection(p: Poly) -> tuple[Univariate, ...]:
    """Leading coefficient and discriminant; a vertical line is its own projection."""
    coefficients = in_beta(p)
    if len(coefficients) == 1:
        return (coefficients[0],)
    if len(coefficients) == 2:
        return (coefficients[1],)
    return coefficients[-1], in_beta(discriminant(p))[0]


def projection(polys: Sequence[Poly]) -> list[Univariate]:
    """The univariate polynomials whose roots are the critical alphas."""
    out: list[Univariate] = []
    curves = [p for p in polys if terms(p)[1] > 0]
    for p in polys:
        out.extend(_own_projection(p))
    for k, p in enumerate(curves):
        for q in curves[k + 1 :]:
            spend()
            out.append(_pair_resultant(p, q))
    if sum(len(p) for p in out) > MAX_PROJECTION_DEGREE * 50 or any(len(p) > MAX_PROJECTION_DEGREE for p in out):
        raise TooComplex("the projection passes its degree bound")
    return out


def decompose(polys: Sequence[Poly]) -> Decomposition:
    """Decompose the plane with respect to irreducible polynomials.

    Parameters
    ----------
    polys : distinct irreducible polynomials.

    Raises
    ------
    TooComplex : the projection passes its bounds.
    """
    polys = tuple(polys)
    critical = merge_roots(projection(polys))
    cylinders = []
    for k in range(len(critical) + 1):
        left = critical[k - 1] if k else None
        right = critical[k] if k < len(critical) else None
        cylinders.append(_lift(polys, left, right, between_roots(left, right)))
    return Decomposition(polys, tuple(critical), tuple(cylinders))


def _lift(polys: tuple[Poly, ...], left: Root | None, right: Root | None, alpha: Fraction) -> Cylinder:
    sections: list[tuple[int, Root]] = []
    signs = []
    spend()
    for k, p in enumerate(polys):
        restricted = slice_alpha(p, alpha)
        degree = len(restricted) - 1
        lead = 1 if restricted[-1] > 0 else -1
        signs.append(lead if degree % 2 == 0 else -lead)
        sections.extend((k, r) for r in real_roots(restricted))
    owner = {id(r): k for k, r in sections}
    ordered = sort_roots([r for _, r in sections])
    cells = []
    for k in range(len(ordered) + 1):
        low = ordered[k - 1] if k else None
        if low is not None:
            signs[owner[id(low)]] *= -1
        beta = between_roots(low, ordered[k] if k < len(ordered) else None)
        cells.append(Cell((alpha, beta), tuple(signs)))
    return Cylinder(left, right, alpha, tuple((owner[id(r)], r) for r in ordered), tuple(cells))


def satisfies(point: Point, literals: Sequence[Literal]) -> bool:
    """Whether every literal holds strictly at a rational point."""
    return all(sign(p, point) == s for p, s in literals)
