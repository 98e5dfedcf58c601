"""The open cylindrical decomposition of the (alpha, beta) plane.

Given irreducible polynomials, the plane minus their zero sets falls into cells; this module orders the curves over
every interval between critical alphas and returns, on demand, one rational point in every cell of a cylindrical
refinement, with all signs. Projection (leading coefficients, discriminants and pairwise resultants with respect to
beta) gives the critical alphas; between two of them the real roots in beta are ordered continuous functions (strands),
so one rational alpha stands for the whole cylinder, and one rational beta between two consecutive roots stands for a
sector. Open cells suffice: every statement decided here is about closures of open sets. Only rational sample points
occur; algebraic numbers are isolating intervals.

How the strands are carried from one cylinder to the next is said in `phases.strands`.

Source: Collins' projection in the form of McCallum 1993 / Strzebonski 2000 for strict inequalities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from derivations.algebra import Point, Poly, sign, terms
from derivations.budget import spend
from phases.roots import Root, between_roots, merge_roots, real_roots, slice_alpha
from phases.strands import Signs as Signs
from phases.strands import Slice, carry, events_over_alpha, put_in
from phases.strands import TooComplex as TooComplex

Literal = tuple[Poly, int]
"""A polynomial and the strict sign (+1 or -1) that it must have."""


Stacks = tuple[tuple[Fraction, tuple[Fraction, ...]], ...]
"""Sample alphas, each with the sample betas above it."""


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


@dataclass(frozen=True)
class Column:
    """What is known of a cylinder without any root: the curve of each strand, lowest first, and the signs below all."""

    left: Root | None
    right: Root | None
    strands: tuple[int, ...]
    lowest: Signs

    @cached_property
    def alpha(self) -> Fraction:
        """The sample alpha."""
        return between_roots(self.left, self.right)

    def signs(self) -> Iterator[Signs]:
        """The signs in every sector, lowest first."""
        signs = self.lowest
        yield signs
        for owner in self.strands:
            signs ^= 1 << owner
            yield signs


@dataclass(frozen=True)
class Decomposition:
    """The cylinders over the alpha axis, left to right."""

    polys: tuple[Poly, ...]
    critical: tuple[Root, ...]
    columns: tuple[Column, ...] = field(repr=False)

    @cached_property
    def cylinders(self) -> tuple[Cylinder, ...]:
        """The cylinders with all roots and sample points."""
        return tuple(self._cylinder(column) for column in self.columns)

    @cached_property
    def classes(self) -> dict[Signs, tuple[int, int]]:
        """All signs that occur, each with the first column and sector that has them."""
        found: dict[Signs, tuple[int, int]] = {}
        for k, column in enumerate(self.columns):
            for j, signs in enumerate(column.signs()):
                if signs not in found:
                    found[signs] = (k, j)
        return found

    @cached_property
    def columns_by_simplicity(self) -> tuple[int, ...]:
        """The columns in order of the denominators of their sample alphas."""
        return tuple(sorted(range(len(self.columns)), key=lambda k: self.columns[k].alpha.denominator))

    def cell_signs(self) -> Iterator[Signs]:
        """The signs in all cells, in the order of `cells`."""
        for column in self.columns:
            yield from column.signs()

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

    def pack(self, signs: Sequence[int]) -> Signs:
        """Signs +1 and -1 as one number."""
        return sum(1 << k for k, s in enumerate(signs) if s > 0)

    def unpack(self, signs: Signs) -> tuple[int, ...]:
        """Signs as numbers +1 and -1."""
        return tuple(1 if signs >> k & 1 else -1 for k in range(len(self.polys)))

    def mask(self, literals: Sequence[Literal]) -> tuple[Signs, Signs]:
        """Literals in polynomials of the decomposition as two numbers: they hold where ``signs & which == wanted``.

        Raises
        ------
        ValueError : a polynomial is not one of the decomposition's.
        """
        which = wanted = 0
        for p, s in literals:
            bit = 1 << self.polys.index(p)
            which |= bit
            if s > 0:
                wanted |= bit
        return which, wanted

    def sample(self, column: int, sector: int) -> Point:
        """The sample point of one cell, without the rest of its cylinder."""
        found = self.columns[column]
        low, high = (self._section(found, j) for j in (sector - 1, sector))
        return found.alpha, between_roots(low, high)

    def _section(self, column: Column, place: int) -> Root | None:
        if not 0 <= place < len(column.strands):
            return None
        owner = column.strands[place]
        return real_roots(slice_alpha(self.polys[owner], column.alpha))[column.strands[:place].count(owner)]

    def _cylinder(self, column: Column) -> Cylinder:
        spend()
        alpha = column.alpha
        roots = {k: iter(real_roots(slice_alpha(self.polys[k], alpha))) for k in set(column.strands)}
        sections = [(owner, next(roots[owner])) for owner in column.strands]
        ends: list[Root | None] = [None, *(root for _, root in sections), None]
        cells = (
            Cell((alpha, between_roots(ends[k], ends[k + 1])), self.unpack(signs))
            for k, signs in enumerate(column.signs())
        )
        return Cylinder(column.left, column.right, alpha, tuple(sections), tuple(cells))


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
    events = events_over_alpha(polys)
    critical = merge_roots(events)
    curves = {i for i, p in enumerate(polys) if terms(p)[1] > 0}
    ends: list[Root | None] = [None, *critical, None]
    strands: list[int] = []
    lowest = 0
    columns: list[Column] = []
    for left, right in pairwise(ends):
        spend()
        line = Slice(polys, left, right)
        if left is None:
            point = line.alpha, Fraction(0)
            lowest = sum(1 << i for i, p in enumerate(polys) if i not in curves and sign(p, point) > 0)
            strands, lowest = put_in(line, [], lowest, curves)
        else:
            strands, lowest = carry(line, strands, lowest, events[left.poly])
        columns.append(Column(left, right, tuple(strands), lowest))
    return Decomposition(polys, tuple(critical), tuple(columns))


def satisfies(point: Point, literals: Sequence[Literal]) -> bool:
    """Whether every literal holds strictly at a rational point."""
    return all(sign(p, point) == s for p, s in literals)
