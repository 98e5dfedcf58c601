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

from derivations.algebra import Point, Poly, factor, sort_key, total_degree
from derivations.budget import known, spend
from derivations.errors import PhaselawsError
from derivations.exponents import OnWall, plain_ratio
from derivations.grammar import Relation
from derivations.law import RiskLaw
from derivations.polygons import edges, line_of
from phases.piece import Piece, piece_at
from phases.planar import Decomposition, Literal, Signs, TooComplex, decompose, satisfies
from phases.program import UndefinedExponent
from phases.proof.shift import shift
from phases.roots import along, sign_at
from phases.simplex import Infeasible, Unbounded, Unpinned


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

    def charts_of(self) -> dict[Signs, tuple[int, ...]]:
        """For all signs in the decomposition, the charts that they satisfy; none outside the domain."""
        wanted = [self.decomposition.mask(chart.walls) for chart in self.charts]
        domain = _Domain(self.law, self.domain_polys, self.decomposition)
        return {
            signs: tuple(k for k, (which, want) in enumerate(wanted) if signs & which == want)
            if domain.contains(signs)
            else ()
            for signs in self.decomposition.classes
        }


class _Domain:
    """Which signs of a decomposition lie in the law's domain: a matter of the domain's own polynomials."""

    def __init__(self, law: RiskLaw, polys: Sequence[Poly], decomposition: Decomposition) -> None:
        self.law, self.decomposition = law, decomposition
        self.which, _ = decomposition.mask([(p, 1) for p in polys])
        self.known: dict[Signs, bool] = {}

    def contains(self, signs: Signs) -> bool:
        """Whether cells with these signs lie in the domain."""
        own = signs & self.which
        if own not in self.known:
            self.known[own] = relations_hold(
                self.law.domain, self.decomposition.sample(*self.decomposition.classes[signs])
            )
        return self.known[own]


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


def relations_hold(relations: Iterable[Relation], point: Point) -> bool:
    """Whether relations hold around a point that lies on none of their polynomials; a removable pole is none."""
    for relation in relations:
        difference = plain_ratio(relation.left) - plain_ratio(relation.right)
        side = difference.sign(point) if difference else 0
        if not {"<": side < 0, "<=": side <= 0, ">": side > 0, ">=": side >= 0, "=": side == 0}[relation.op]:
            return False
    return True


def reduce_to_walls(literals: Sequence[Literal]) -> tuple[Literal, ...]:
    """An irredundant subset of the literals with the same open region, which must not be empty.

    Linear literals are reduced by clipping a polygon; curved ones that a shift certificate shows positive on it are
    dropped. If any are left, the signs of all that remain are read off one decomposition of the plane.
    """
    lines = {line_of(p, s): (p, s) for p, s in literals if total_degree(p) == 1}
    sides = edges([line for line in lines if line is not None])
    walls = [lines[line] for line in sides]
    curved = [(p, s) for p, s in literals if total_degree(p) > 1 and shift(sides, p, s) is None]
    if curved:
        walls = _irredundant(sorted([*walls, *curved], key=lambda ps: sort_key(ps[0])))
    return tuple(sorted(walls, key=lambda ps: sort_key(ps[0])))


def _irredundant(candidates: Sequence[Literal]) -> list[Literal]:
    """Literals that fail alone somewhere are needed; others are added only where they are not implied.

    Where the plane is too complex to be decomposed by all of them, all are kept.
    """
    try:
        decomposition = decompose([p for p, _ in candidates])
    except TooComplex:
        return list(candidates)
    wanted = decomposition.mask(candidates)[1]
    fails = {signs ^ wanted for signs in decomposition.classes}

    def implied(by: Signs, bit: Signs) -> bool:
        return not any(f & bit and not f & by for f in fails)

    bits = [1 << k for k in range(len(candidates))]
    needed = sum(bit for bit in bits if bit in fails)
    walls = needed
    for bit in bits:
        if not walls & bit and not implied(walls, bit):
            walls |= bit
    for bit in bits:
        if walls & bit and not needed & bit and implied(walls & ~bit, bit):
            walls &= ~bit
    return [literal for bit, literal in zip(bits, candidates, strict=True) if walls & bit]


class _Walk:
    def __init__(self, law: RiskLaw) -> None:
        self.law = law
        self.charts: list[Chart] = []
        self.queue: deque[tuple[Point, Literal]] = deque()
        self.domain_polys = tuple(relation_polys(law.domain))

    def covered(self, point: Point) -> bool:
        return any(satisfies(point, chart.walls) for chart in self.charts)

    def explore(self, around: Point, literals: Sequence[Literal]) -> None:
        """Add the piece around a point near the given one, with the same signs.

        A point without a finite slope may lie on a line where the law degenerates: some others are asked before that is
        believed.
        """
        doubts: list[NoFiniteSlope] = []
        for point in _nearby(around):
            if not satisfies(point, literals):
                continue
            try:
                self.add(self.piece(point))
            except (OnWall, UndefinedExponent):
                continue
            except NoFiniteSlope as error:
                doubts.append(error)
                if len(doubts) > 4:
                    raise doubts[0] from None
                continue
            return
        if doubts:
            raise doubts[0]
        raise AssertionError(f"no generic point near {around}")

    def piece(self, point: Point) -> Piece:
        """The piece at a point, where the law has a finite slope."""
        spend()
        try:
            return piece_at(self.law, point)
        except (Unbounded, Infeasible) as error:
            raise NoFiniteSlope(_no_slope(self.law, point, error)) from None

    def add(self, piece: Piece) -> None:
        chart = Chart(piece, reduce_to_walls(list(piece.literals.items())))
        self.charts.append(chart)
        known("pieces found", len(self.charts))
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
            except (OnWall, UndefinedExponent, NoFiniteSlope):
                continue  # if nothing is found, the cell is explored later
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
    ray = along(p, sample, direction)
    low, high = Fraction(0), None
    reach = Fraction(1, 16)
    for _ in range(10):
        if sign_at(ray, reach) == -s:
            high = reach
            break
        low, reach = reach, 2 * reach
    if high is None:
        return None
    for _ in range(5):
        middle = (low + high) / 2
        if sign_at(ray, middle) == -s:
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
    while True:
        found = Survey(law, tuple(walk.charts), walk.domain_polys, decompose(polys))
        decomposition = found.decomposition
        domain = _Domain(law, walk.domain_polys, decomposition)
        if not any(domain.contains(signs) for signs in decomposition.classes):
            raise EmptyDomain("expected a domain with interior points, but its inequalities exclude each other")
        missing = [s for s, used in found.charts_of().items() if not used and domain.contains(s)]
        known("cells not yet covered", len(missing))
        if not missing:
            return found
        for signs in missing:
            point = decomposition.sample(*decomposition.classes[signs])
            if not walk.covered(point):
                walk.explore(point, list(zip(polys, decomposition.unpack(signs), strict=True)))
                while walk.queue:
                    walk.step()
        curves = {p for chart in walk.charts for p, _ in chart.walls} | set(walk.domain_polys)
        polys = sorted(curves, key=sort_key)


def _no_slope(law: RiskLaw, point: Point, error: ArithmeticError) -> str:
    where = f"around alpha = {point[0]}, beta = {point[1]}"
    if isinstance(error, Unpinned):
        return f"the law {law.name!r} {where}: {error}"
    if isinstance(error, Unbounded):
        return f"the law {law.name!r} has no finite slope {where}: expected a term or constraint that bounds the risk"
    return f"the constraints of the law {law.name!r} contradict each other {where}"
