"""The open cylindrical decomposition of the (alpha, beta) plane.

Given irreducible polynomials, the plane minus their zero sets falls into cells; this module orders the curves over
every interval between critical alphas and returns, on demand, one rational point in every cell of a cylindrical
refinement, with all signs. Projection (leading coefficients, discriminants and pairwise resultants with respect to
beta) gives the critical alphas; between two of them the real roots in beta are ordered continuous functions (strands),
so one rational alpha stands for the whole cylinder, and one rational beta between two consecutive roots stands for a
sector. Open cells suffice: every statement decided here is about closures of open sets. Only rational sample points
occur; algebraic numbers are isolating intervals.

The strands are carried from one cylinder to the next. A critical alpha that is a simple root of one resultant and of
nothing else lies under exactly one common point of exactly two curves; they cross there transversally, away from all
others, so two adjacent strands change places. Elsewhere only the strands of the curves concerned are found anew and
put in among the others, whose order cannot have changed.

Source: Collins' projection in the form of McCallum 1993 / Strzebonski 2000 for strict inequalities; the multiplicity
of a root of the resultant is the sum of the intersection multiplicities above it (Fulton, Algebraic Curves, 3.3) where
no leading coefficient vanishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache

from derivations.algebra import Point, Poly, discriminant, resultant, sign, terms
from phases.roots import (
    Root,
    Univariate,
    between_roots,
    compare,
    convolve,
    factor_powers,
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

Signs = int
"""Signs of all polynomials of a decomposition: bit k is set where polynomial k is positive."""


class TooComplex(Exception):
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
        alpha = column.alpha
        roots = {k: iter(real_roots(slice_alpha(self.polys[k], alpha))) for k in set(column.strands)}
        sections = [(owner, next(roots[owner])) for owner in column.strands]
        ends: list[Root | None] = [None, *(root for _, root in sections), None]
        cells = (
            Cell((alpha, between_roots(ends[k], ends[k + 1])), self.unpack(signs))
            for k, signs in enumerate(column.signs())
        )
        return Cylinder(column.left, column.right, alpha, tuple(sections), tuple(cells))


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


@dataclass(slots=True)
class _Event:
    """What happens over the roots of one irreducible polynomial in alpha.

    ``lines`` are the vertical lines there, ``anew`` the curves whose strands must be found again, ``crossings`` the
    pairs of curves that cross once, transversally.
    """

    lines: list[int] = field(default_factory=list)
    anew: set[int] = field(default_factory=set)
    crossings: list[tuple[int, int]] = field(default_factory=list)

    def settle(self) -> None:
        """Leave as crossings only pairs that no other curve or event can touch."""
        met = [k for pair in self.crossings for k in pair]
        for pair in list(self.crossings):
            if any(k in self.anew or met.count(k) > 1 for k in pair):
                self.anew.update(pair)
        self.crossings = [pair for pair in self.crossings if not self.anew.intersection(pair)]


def _events(polys: Sequence[Poly]) -> dict[Univariate, _Event]:
    """The irreducible polynomials whose roots are the critical alphas, and what happens there."""
    curves = [k for k, p in enumerate(polys) if terms(p)[1] > 0]
    size = 0
    out: dict[Univariate, _Event] = {}

    def event(f: Univariate) -> _Event:
        return out.setdefault(f, _Event())

    def weigh(p: Univariate) -> None:
        nonlocal size
        size += len(p)
        if size > MAX_PROJECTION_DEGREE * 50 or len(p) > MAX_PROJECTION_DEGREE:
            raise TooComplex("the projection passes its degree bound")

    for k, p in enumerate(polys):
        for own in _own_projection(p):
            weigh(own)
            for f, _ in factor_powers(own):
                if terms(p)[1]:
                    event(f).anew.add(k)
                else:
                    event(f).lines.append(k)
    for i, a in enumerate(curves):
        for b in curves[i + 1 :]:
            common = _pair_resultant(polys[a], polys[b])
            weigh(common)
            for f, power in factor_powers(common):
                if power == 1:
                    event(f).crossings.append((a, b))
                else:
                    event(f).anew.update((a, b))
    for e in out.values():
        e.settle()
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
    events = _events(polys)
    critical = merge_roots(events)
    ends: list[Root | None] = [None, *critical, None]
    strands: list[int] = []
    lowest = 0
    columns = []
    for k in range(len(critical) + 1):
        left, right = ends[k], ends[k + 1]
        alpha = None
        if left is None:
            alpha = between_roots(left, right)
            anew = {i for i, p in enumerate(polys) if terms(p)[1] > 0}
            lowest = sum(1 << i for i, p in enumerate(polys) if i not in anew and sign(p, (alpha, Fraction(0))) > 0)
        else:
            e = events[left.poly]
            for i in e.lines:
                lowest ^= 1 << i
            anew = e.anew
            for a, b in e.crossings:
                places = [j for j in range(len(strands) - 1) if {strands[j], strands[j + 1]} == {a, b}]
                if len(places) == 1:
                    (j,) = places
                    strands[j], strands[j + 1] = strands[j + 1], strands[j]
                else:
                    anew = anew | {a, b}
        if anew:
            alpha = between_roots(left, right) if alpha is None else alpha
            strands, lowest = _put_in(polys, strands, lowest, anew, alpha)
        columns.append(Column(left, right, tuple(strands), lowest))
    return Decomposition(polys, tuple(critical), tuple(columns))


def _put_in(
    polys: Sequence[Poly], strands: Sequence[int], lowest: Signs, anew: set[int], alpha: Fraction
) -> tuple[list[int], Signs]:
    """The strands at ``alpha``, where only those of the curves ``anew`` are not as they were."""
    fresh: list[tuple[Root, int]] = []
    for k in anew:
        restricted = slice_alpha(polys[k], alpha)
        if (restricted[-1] > 0) == (len(restricted) % 2 == 1):
            lowest |= 1 << k
        else:
            lowest &= ~(1 << k)
        fresh.extend((root, k) for root in real_roots(restricted))
    owner = {id(root): k for root, k in fresh}
    rest = [k for k in strands if k not in anew]
    rank = [rest[:j].count(k) for j, k in enumerate(rest)]
    known: dict[int, list[Root]] = {}
    out: list[int] = []
    start = 0
    for root in sort_roots([root for root, _ in fresh]):
        low, high = start, len(rest)
        while low < high:
            middle = (low + high) // 2
            k = rest[middle]
            if k not in known:
                known[k] = real_roots(slice_alpha(polys[k], alpha))
            if compare(known[k][rank[middle]], root) < 0:
                low = middle + 1
            else:
                high = middle
        out += rest[start:low]
        out.append(owner[id(root)])
        start = low
    return out + rest[start:], lowest


def satisfies(point: Point, literals: Sequence[Literal]) -> bool:
    """Whether every literal holds strictly at a rational point."""
    return all(sign(p, point) == s for p, s in literals)
