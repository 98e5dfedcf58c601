"""The piece of the plane around a generic point: one optimal basis, its formulas, and every sign it rests on.

The programme is solved once at the sample point; the optimal vertices, slacks and multipliers are then read off as
rational functions by Cramer's rule. Every sign that was used is recorded with its reason; the record is the region in
which the same formulas are optimal, and it is what a proof has to confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derivations.algebra import ONE, ZERO, Point, Poly, Rational, factor, integer, sign
from derivations.exponents import OnWall
from derivations.law import RiskLaw
from phases.program import FREE_RATE, Infinite, Row, record_relation, solve_at, symbolic_rows, tight_rows
from phases.simplex import Inequality, Optimum, Ray, Vertex, end_basis, nondegenerate

Formula = Rational | Infinite
FormulaRange = tuple[Formula, Formula]


@dataclass(frozen=True, slots=True)
class Formulas:
    """Closed formulas for slope and optimal exponents; ranges have equal ends where the optimum is unique."""

    slope: Rational
    model: FormulaRange
    rate: FormulaRange | None

    @property
    def unique(self) -> bool:
        """Whether size and rate are both determined."""
        return self.model[0] == self.model[1] and (self.rate is None or self.rate[0] == self.rate[1])


@dataclass(frozen=True, slots=True)
class VertexFormula:
    """A vertex over Q(alpha, beta): numerators over one common denominator."""

    numerators: tuple[Poly, ...]
    denominator: Poly

    @property
    def values(self) -> tuple[Rational, ...]:
        """The coordinates."""
        return tuple(Rational.of(p, self.denominator) for p in self.numerators)


Multipliers = dict[str, Rational]
"""A factor for each row, by name; rows without one have none."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a quantity's range ends over all optimal points, and what shows it.

    By the multipliers no optimal point goes beyond the vertex (``kind`` "vertex"); a ray leads away for ever ("ray");
    the denominator vanishes at another vertex and not the numerator ("pole"); the denominator vanishes at every
    optimal point, by the multipliers ("undefined"). Vertices are positions in `Piece.vertices`.
    """

    kind: str
    vertex: int = 0
    other: int = 0
    ray: tuple[Rational, ...] = ()
    multipliers: tuple[tuple[str, Rational], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One optimal basis around a sample point.

    ``literals`` maps each irreducible polynomial to the strict sign it has, ``reasons`` says where it came from.
    While they hold, the formulas are optimal: vertices feasible, multipliers non-negative. ``unique`` are rows that
    leave one optimal point; else ``ends`` show the range of each quantity and ``tight`` which further rows always bind.
    """

    sample: Point
    formulas: Formulas
    active: tuple[str, ...]
    binding: tuple[str, ...]
    rows: tuple[Row, ...]
    vertices: tuple[tuple[Rational, ...], ...]
    multipliers: tuple[tuple[str, Rational], ...]
    unique: tuple[str, ...]
    ends: dict[str, tuple[End, End]]
    tight: dict[str, Multipliers]
    literals: dict[Poly, int]
    reasons: dict[Poly, tuple[str, ...]]


class _Recorder:
    """Collects irreducible factors with their sign at the sample point and the reasons for looking at them."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.signs: dict[Poly, int] = {}
        self.reasons: dict[Poly, dict[str, None]] = {}

    def __call__(self, p: Poly, why: str) -> None:
        for f, _ in factor(p)[1]:
            side = self.signs.get(f)
            if side is None:
                side = sign(f, self.point)
                if side == 0:
                    raise OnWall
                self.signs[f] = side
            self.reasons.setdefault(f, {})[why] = None

    def ratio(self, num: Poly, den: Poly, why: str) -> Rational:
        """Record the sign of num/den in lowest terms."""
        r = Rational.of(num, den)
        if r:
            self(r.num, why)
            self(r.den, why)
        return r


def _det(m: list[list[Poly]]) -> Poly:
    n = len(m)
    if n == 1:
        return m[0][0]
    if n == 2:
        return m[0][0] * m[1][1] - m[0][1] * m[1][0]
    total = ZERO
    k = min(range(n), key=lambda i: sum(1 for e in m[i] if e))
    rest = m[:k] + m[k + 1 :]
    for j, entry in enumerate(m[k]):
        if entry:
            minor = entry * _det([row[:j] + row[j + 1 :] for row in rest])
            total = total - minor if (k + j) % 2 else total + minor
    return total


def _cramer(rows: Sequence[Row], basis: Sequence[int]) -> tuple[tuple[Poly, ...], Poly]:
    """Numerators and common denominator of the vertex that a basis determines."""
    a = [list(rows[k].coefficients) for k in basis]
    b = [rows[k].bound for k in basis]
    n = len(a)
    numerators = tuple(_det([[*row[:j], e, *row[j + 1 :]] for row, e in zip(a, b, strict=True)]) for j in range(n))
    return numerators, _det(a)


def _multipliers(rows: Sequence[Row], basis: Sequence[int]) -> tuple[tuple[Poly, ...], Poly]:
    """Numerators and denominator of y with y.A = e_eta: cofactors of the last column."""
    a = [list(rows[k].coefficients) for k in basis]
    n = len(a)
    out = []
    for i in range(n):
        minor = _det([row[:-1] for k, row in enumerate(a) if k != i]) if n > 1 else ONE
        out.append(-minor if (i + n - 1) % 2 else minor)
    return tuple(out), _det(a)


def piece_at(law: RiskLaw, point: Point) -> Piece:
    """The optimal basis around a generic rational point, with its region.

    Raises
    ------
    OnWall : the point is not generic; take another one nearby.
    phases.simplex.Unbounded, phases.simplex.Infeasible : the law has no finite slope there.
    """
    record = _Recorder(point)
    for relation in law.domain:
        record_relation(relation, point, record, "domain")
    rows = symbolic_rows(law, point, record)
    numeric, optimum = solve_at(law, point)
    if [r.name for r in rows] != [r.name for r in numeric]:
        raise OnWall  # every exponent of gamma vanishes at the point, but not around it
    optimum = nondegenerate([r.inequality for r in numeric], optimum)
    y_num, y_den = _multipliers(rows, optimum.basis)
    record(y_den, "determinant")
    multipliers = []
    for k, p, y in zip(optimum.basis, y_num, optimum.multipliers, strict=True):
        ratio = Rational.of(p, y_den)
        if not rows[k].equality:
            record.ratio(p, y_den, f"multiplier of {rows[k].name}")
        if ratio and y == 0:
            raise OnWall
        multipliers.append((rows[k].name, ratio * Rational(rows[k].scale, ONE)))
    free = rows[-1].name == FREE_RATE
    face = _Face(rows, [r.inequality for r in numeric], optimum, record, free)
    formulas = face.formulas(law)
    at_sample = {row.name for row in tight_rows(numeric, optimum)}
    tight = {row.name for row in rows if row.name in at_sample and not any(face.slack(row, v) for v in face.vertices)}
    unique = face.unique
    if not unique:
        face.settle(tight)
    return Piece(
        sample=point,
        formulas=formulas,
        active=tuple(r.name for r in rows if r.kind == "term" and r.name in tight),
        binding=tuple(r.name for r in rows if r.kind == "constraint" and r.name in tight),
        rows=tuple(rows),
        vertices=tuple(v.values for v in face.vertices),
        multipliers=tuple((name, y) for name, y in multipliers if y and name != FREE_RATE),
        unique=tuple(rows[k].name for k in optimum.support) if unique else (),
        ends={} if unique else face.ends,
        tight={} if unique else face.tight,
        literals=record.signs,
        reasons={p: tuple(w) for p, w in record.reasons.items()},
    )


class _Face:
    """The optimal points: vertices, the ends of the range of each quantity, and which rows bind at all of them.

    An end is a vertex at which an objective is largest among the optimal points: -x, x, and for e = g/x at a vertex
    (x0, g0) the objective +-(g*x0 - g0*x). Its slacks and multipliers are recorded, so that it stays the end as long as
    they keep their signs. Where a ray carries the rate away, its feasibility is recorded.
    """

    def __init__(self, rows: Sequence[Row], numeric: list[Inequality], optimum: Optimum, record: _Recorder, free: bool):
        self.rows, self.numeric, self.optimum, self.record = rows, numeric, optimum, record
        self.support, self.free = optimum.support, free
        self.unique = len(self.support) == len(rows[0].coefficients) and not free
        self.vertices: list[VertexFormula] = []
        self.ends: dict[str, tuple[End, End]] = {}
        self.tight: dict[str, Multipliers] = {}
        self._places: dict[tuple[int, ...], int] = {}

    def formulas(self, law: RiskLaw) -> Formulas:
        """Slope and ranges; what shows them is left in ``vertices`` and ``ends``."""
        vertices = self.optimum.vertices
        if self.unique:
            self.vertex(vertices[0].basis)
        ends = [self.end(choose(vertices, key=lambda v: v.values[0]), "x", side) for side, choose in _SIDES]
        self.ends["x"] = ends[0], ends[1]
        low, high = (self.value("x", e) for e in ends)
        slope = self.vertices[0].values[-1]
        if not law.has_rate:
            return Formulas(slope, (low, high), None)
        self.ends["e"] = self.rates()
        if self.ends["e"][0].kind == "undefined":
            return Formulas(slope, (low, high), None)
        rates = [self.value("e", e, side) for e, (side, _) in zip(self.ends["e"], _SIDES, strict=True)]
        return Formulas(slope, (low, high), (rates[0], rates[1]))

    def value(self, quantity: str, end: End, side: int = 0) -> Formula:
        """The end of a range as a formula."""
        if end.kind != "vertex":
            return Infinite(side)
        x, g = self.vertices[end.vertex].values[:2]
        return x if quantity == "x" else g / x

    def rates(self) -> tuple[End, End]:
        """Both ends of e = g/x."""
        n = len(self.rows[0].coefficients)
        inside = [v for v in self.optimum.vertices if v.values[0]]
        if not inside:
            objective = [Fraction(int(k == 0)) for k in range(n)]
            nowhere = End("undefined", multipliers=self.bound(self.optimum.vertices[0], objective, _unit(0, n)))
            return nowhere, nowhere
        at = self.vertex(inside[0].basis)
        if self.free:
            rays = [tuple(Rational(integer(s * (k == 1)), ONE) for k in range(n)) for s in (-1, 1)]
            return End("ray", at, ray=rays[0]), End("ray", at, ray=rays[1])
        ends = [
            self.escape(at, side) or self.end(choose(inside, key=lambda v: v.values[1] / v.values[0]), "e", side)
            for side, choose in _SIDES
        ]
        return ends[0], ends[1]

    def escape(self, at: int, side: int) -> End | None:
        """How e gets unbounded on this side: along a ray, or towards a vertex with x = 0."""
        for ray in self.optimum.rays:
            if ray.direction[1] * side > 0:
                formula = self.direction(ray)
                self.record.ratio(formula.numerators[1], formula.denominator, "direction of the rate")
                return End("ray", at, ray=formula.values)
        for vertex in self.optimum.vertices:
            if not vertex.values[0] and vertex.values[1] * side > 0:
                pole = self.vertex(vertex.basis)
                formula = self.vertices[pole]
                if formula.numerators[0]:
                    raise OnWall
                self.record.ratio(formula.numerators[1], formula.denominator, "direction of the rate")
                return End("pole", at, other=pole)
        return None

    def direction(self, ray: Ray) -> VertexFormula:
        """A recession direction of the optimal points over Q(alpha, beta)."""
        n = len(ray.direction)
        unit = Row("ray", "bound", _unit(ray.axis, n), ONE if ray.direction[ray.axis] > 0 else -ONE)
        system = [*(replace(row, bound=ZERO) for row in self.rows), unit]
        return self.formula(system, (*ray.tight, len(self.rows)))

    def formula(self, rows: Sequence[Row], basis: Sequence[int]) -> VertexFormula:
        """The solution of the basis rows; the slacks of all others are recorded."""
        numerators, den = _cramer(rows, basis)
        formula = VertexFormula(numerators, den)
        self.record(den, "determinant")
        for k, row in enumerate(rows):
            if k not in basis:
                slack = self.record.ratio(self.slack(row, formula), den, f"slack of {row.name}")
                if slack and row.equality:
                    raise OnWall
        return formula

    def vertex(self, basis: tuple[int, ...]) -> int:
        """The place of a basis's vertex among the vertices."""
        if basis not in self._places:
            formula = self.formula(self.rows, basis)
            same = next((k for k, v in enumerate(self.vertices) if v.values == formula.values), None)
            self._places[basis] = len(self.vertices) if same is None else same
            if same is None:
                self.vertices.append(formula)
        return self._places[basis]

    @staticmethod
    def slack(row: Row, vertex: VertexFormula) -> Poly:
        """Numerator of the slack, over the vertex's denominator."""
        total = row.bound * vertex.denominator
        for c, p in zip(row.coefficients, vertex.numerators, strict=True):
            if c and p:
                total = total - c * p
        return total

    def end(self, vertex: Vertex, quantity: str, side: int) -> End:
        """The vertex as the end of a quantity's range."""
        if self.unique:
            return End("vertex")
        x, g, n = vertex.values[0], vertex.values[1], len(vertex.values)
        objective = [Fraction(0)] * n
        if quantity == "x":
            objective[0] = Fraction(side)
        else:
            objective[0], objective[1] = -side * g, side * x
        basis = self.end_basis(vertex, objective)
        place = self.vertex(basis)
        formula = self.vertices[place]
        symbolic = [ZERO] * n
        if quantity == "x":
            symbolic[0], scale = integer(side), ONE
        else:
            symbolic[0], symbolic[1] = (-side * formula.numerators[1], side * formula.numerators[0])
            scale = formula.denominator
        return End("vertex", place, multipliers=self.combine(basis, symbolic, scale, f"end of the range of {quantity}"))

    def end_basis(self, vertex: Vertex, objective: Sequence[Fraction]) -> tuple[int, ...]:
        basis = end_basis(self.numeric, self.support, vertex, objective)
        if basis is None:
            raise OnWall
        return basis

    def bound(
        self, vertex: Vertex, objective: Sequence[Fraction], symbolic: Sequence[Poly]
    ) -> tuple[tuple[str, Rational], ...]:
        """Multipliers by which no optimal point has more of an objective than the vertex."""
        basis = self.end_basis(vertex, objective)
        self.record(_det([list(self.rows[k].coefficients) for k in basis]), "determinant")
        return self.combine(basis, symbolic, ONE, "multiplier of a bound")

    def combine(
        self, basis: tuple[int, ...], objective: Sequence[Poly], scale: Poly, why: str
    ) -> tuple[tuple[str, Rational], ...]:
        """The multipliers with which the basis rows make objective/scale; signs are recorded where they matter."""
        a = [list(self.rows[k].coefficients) for k in basis]
        den = _det(a) * scale
        out = []
        for i, k in enumerate(basis):
            y = Rational.of(_det([list(objective) if j == i else row for j, row in enumerate(a)]), den)
            if k not in self.support and y:
                self.record(y.num, why)
                self.record(y.den, why)
            if y:
                out.append((self.rows[k].name, y * Rational(self.rows[k].scale, ONE)))
        return tuple(out)

    def settle(self, tight: set[str]) -> None:
        """For every row that has no multiplier: multipliers that keep it tight, or an optimal point where it is not."""
        for k, row in enumerate(self.rows):
            if k in self.support:
                continue
            if row.name in tight:
                numbers = [Fraction(-c) for c in self.numeric[k].coefficients]
                bound = self.bound(self.optimum.vertices[0], numbers, [-c for c in row.coefficients])
                self.tight[row.name] = {name: y / Rational(row.scale, ONE) for name, y in bound}
            elif not any(self.slack(row, v) for v in self.vertices):
                self.loosen(k)

    def loosen(self, k: int) -> None:
        """Add an optimal point at which a row has slack: a vertex, or a point on a ray."""
        row = self.numeric[k]
        vertex = next((v for v in self.optimum.vertices if row.slack(v.values)), None)
        if vertex is not None:
            self.vertex(vertex.basis)
            return
        ray = next(r for r in self.optimum.rays if row.slack(r.direction) != row.bound)
        start, away = self.vertices[0], self.direction(ray)
        a, b = start.denominator, away.denominator
        pairs = zip(start.numerators, away.numerators, strict=True)
        point = VertexFormula(tuple(p * b + q * a for p, q in pairs), a * b)
        for other in self.rows:
            self.record.ratio(self.slack(other, point), point.denominator, f"slack of {other.name}")
        self.vertices.append(point)


_SIDES: tuple[tuple[int, Callable[..., Vertex]], ...] = ((-1, min), (1, max))


def _unit(axis: int, n: int) -> tuple[Poly, ...]:
    return tuple(ONE if k == axis else ZERO for k in range(n))
