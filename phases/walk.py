"""Finding every optimal basis: walk across walls from piece to piece, then show that nothing was missed.

From a sample point the piece there is read off (`phases.program`), its region is reduced to its walls, and points
just across each wall are queued. When the queue is empty, the plane is decomposed with respect to all walls found;
any open cell of the domain that no piece covers is a new starting point. The walk ends when every open cell of the
domain lies in a piece, so completeness does not depend on how the walk went. There are finitely many bases, so it ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key

from derivations.algebra import Point, Poly, factor, sign, sort_key, total_degree
from derivations.budget import known, spend
from derivations.errors import PhaselawsError
from derivations.exponents import OnWall, plain_ratio
from derivations.grammar import Relation
from derivations.law import RiskLaw
from derivations.polygons import edges, line_of
from phases.piece import Piece, piece_at
from phases.planar import Cell, Decomposition, Literal, decompose, satisfies
from phases.program import UndefinedExponent
from phases.proof.decide import implies
from phases.proof.shift import shift
from phases.proof.verdict import Proved
from phases.roots import Root, Univariate, along, compare, convolve, irreducible_factors, real_roots
from phases.simplex import Infeasible, Unbounded


class EmptyDomain(PhaselawsError, ValueError):
    """The law's domain has no interior."""


class NoFiniteSlope(PhaselawsError, ValueError):
    """Somewhere in the domain the law's risk falls faster than any power, or its constraints contradict each other."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A piece and its walls: the irredundant literals that cut out its region."""

    piece: Piece
    walls: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All charts, and the decomposition of the plane by their walls and the domain's edges."""

    law: RiskLaw
    charts: tuple[Chart, ...]
    domain_polys: tuple[Poly, ...]
    decomposition: Decomposition


def relation_polys(relations: Iterable[Relation]) -> list[Poly]:
    """Irreducible polynomials on which the truth of plain relations depends."""
    out: dict[Poly, None] = {}
    for relation in relations:
        difference = plain_ratio(relation.left) - plain_ratio(relation.right)
        for part in (difference.num, difference.den):
            for f, _ in factor(part)[1]:
                out[f] = None
    return list(out)


def inside(law: RiskLaw, point: Point) -> bool:
    """Whether a point lies in the law's domain (a vanishing denominator counts as outside)."""
    try:
        return law.violated(point) is None
    except ZeroDivisionError:
        return False


def reduce_to_walls(literals: Sequence[Literal], sample: Point) -> tuple[Literal, ...]:
    """An irredundant subset of the literals with the same open region, which contains ``sample``.

    Linear literals are reduced by clipping a polygon; curved ones that a shift certificate shows positive on it are
    dropped. If any are left, rays from the sample find literals that certainly matter (they fail first along the
    ray), the others are added only where they are not implied.
    """
    lines = {line_of(p, s): (p, s) for p, s in literals if total_degree(p) == 1}
    sides = edges([line for line in lines if line is not None])
    flat = [lines[line] for line in sides]
    curved = [(p, s) for p, s in literals if total_degree(p) > 1 and shift(sides, p, s) is None]
    walls = flat
    if curved:
        candidates = sorted([*flat, *curved], key=lambda ps: sort_key(ps[0]))
        sure = _first_hits(candidates, sample)
        walls = list(sure)
        for literal in candidates:
            if literal not in walls and not isinstance(implies(walls, literal), Proved):
                walls.append(literal)
        for literal in [w for w in walls if w not in sure]:
            rest = [w for w in walls if w != literal]
            if isinstance(implies(rest, literal), Proved):
                walls = rest
    return tuple(sorted(walls, key=lambda ps: sort_key(ps[0])))


def _first_hits(literals: Sequence[Literal], sample: Point) -> list[Literal]:
    """Literals that are the only first to fail along some ray from the sample."""
    found: dict[Literal, None] = {}
    for direction in _DIRECTIONS:
        hits: list[tuple[Root, Literal]] = []
        for p, s in literals:
            positive = [r for r in real_roots(_squarefree(along(p, sample, direction))) if compare(r, _ORIGIN) > 0]
            if positive:
                hits.append((positive[0], (p, s)))
        if not hits:
            continue
        first, literal = min(hits, key=cmp_to_key(_nearer))
        if sum(compare(root, first) == 0 for root, _ in hits) == 1:
            found[literal] = None
    return list(found)


def _nearer(a: tuple[Root, Literal], b: tuple[Root, Literal]) -> int:
    return compare(a[0], b[0])


_ORIGIN = Root((0, 1), Fraction(0), Fraction(0), 0)


def _squarefree(p: Univariate) -> Univariate:
    out: Univariate = (1,)
    for f in irreducible_factors(p):
        out = convolve(out, f)
    return out


class _Walk:
    def __init__(self, law: RiskLaw) -> None:
        self.law = law
        self.charts: list[Chart] = []
        self.queue: deque[tuple[Point, Literal]] = deque()
        self.domain_polys = tuple(relation_polys(law.domain))

    def covered(self, point: Point) -> bool:
        return any(satisfies(point, chart.walls) for chart in self.charts)

    def explore(self, cell: Cell, polys: Sequence[Poly]) -> None:
        """Add the piece around a point with the same signs of ``polys`` as the cell's sample."""
        literals = list(zip(polys, cell.signs, strict=True))
        for point in _nearby(cell.point):
            if not satisfies(point, literals):
                continue
            try:
                self.add(self.piece(point))
            except (OnWall, UndefinedExponent):
                continue
            return
        raise AssertionError(f"no generic point near {cell.point}")

    def piece(self, point: Point) -> Piece:
        """The piece at a point, where the law has a finite slope."""
        try:
            return piece_at(self.law, point)
        except (Unbounded, Infeasible) as error:
            raise NoFiniteSlope(_no_slope(self.law, point, error)) from None

    def add(self, piece: Piece) -> None:
        chart = Chart(piece, reduce_to_walls(list(piece.literals.items()), piece.sample))
        self.charts.append(chart)
        known("pieces found", len(self.charts))
        spend()
        for wall in chart.walls:
            if wall[0] not in self.domain_polys:
                self.queue.append((piece.sample, wall))

    def step(self) -> None:
        """Try to cross one wall, along the straight line from the sample to a point on the wall."""
        sample, (p, s) = self.queue.popleft()
        for direction in _DIRECTIONS:
            across = _across(sample, direction, p, s)
            if across is None or not inside(self.law, across) or self.covered(across):
                continue
            try:
                self.add(self.piece(across))
            except (OnWall, UndefinedExponent):
                continue
            return


_DIRECTIONS = tuple(
    (Fraction(a), Fraction(b)) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1), (2, 3), (-3, 2), (-2, -3), (3, -2))
)


def _nearby(point: Point) -> Iterable[Point]:
    yield point
    size = Fraction(1, 8)
    for _ in range(400):
        for a, b in _DIRECTIONS:
            yield point[0] + size * a * Fraction(5, 7), point[1] + size * b * Fraction(7, 11)
        size /= 5


def _across(sample: Point, direction: Point, p: Poly, s: int) -> Point | None:
    """A point just beyond the curve p = 0 along a ray, or None if the ray does not meet it soon."""
    low, high = Fraction(0), None
    reach = Fraction(1, 16)
    for _ in range(10):
        if sign(p, (sample[0] + reach * direction[0], sample[1] + reach * direction[1])) == -s:
            high = reach
            break
        low, reach = reach, 2 * reach
    if high is None:
        return None
    for _ in range(5):
        middle = (low + high) / 2
        if sign(p, (sample[0] + middle * direction[0], sample[1] + middle * direction[1])) == -s:
            high = middle
        else:
            low = middle
    return sample[0] + high * direction[0], sample[1] + high * direction[1]


def survey(law: RiskLaw) -> Survey:
    """Every optimal basis of the law, with a decomposition in which each open cell of the domain lies in a chart.

    Raises
    ------
    EmptyDomain : the domain has no interior.
    NoFiniteSlope : somewhere the slope is unbounded or the constraints contradict each other; the message has a point.
    """
    walk = _Walk(law)
    polys: list[Poly] = sorted(walk.domain_polys, key=sort_key)
    decomposition = decompose(polys)
    if not any(inside(law, cell.point) for cell in decomposition.cells()):
        raise EmptyDomain("expected a domain with interior points, but its inequalities exclude each other")
    while True:
        missing = [cell for cell in decomposition.cells() if inside(law, cell.point) and not walk.covered(cell.point)]
        known("cells not yet covered", len(missing))
        if not missing:
            return Survey(law, tuple(walk.charts), walk.domain_polys, decomposition)
        for cell in missing:
            if not walk.covered(cell.point):
                walk.explore(cell, polys)
                while walk.queue:
                    walk.step()
        found = {p for chart in walk.charts for p, _ in chart.walls} | set(walk.domain_polys)
        polys = sorted(found, key=sort_key)
        decomposition = decompose(polys)


def _no_slope(law: RiskLaw, point: Point, error: ArithmeticError) -> str:
    where = f"around alpha = {point[0]}, beta = {point[1]}"
    if isinstance(error, Unbounded):
        return f"the law {law.name!r} has no finite slope {where}: expected a term or constraint that bounds the risk"
    return f"the constraints of the law {law.name!r} contradict each other {where}"
