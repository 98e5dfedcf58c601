"""The piece of the plane around a generic point: one optimal basis, its formulas, and every sign it rests on.

The programme is solved once at the sample point; the optimal vertices, slacks and multipliers are then read off as
rational functions by Cramer's rule. Every sign that was used is recorded with its reason; the record is the region in
which the same formulas are optimal, and it is what a proof has to confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derivations.algebra import ONE, ZERO, Point, Poly, Rational, factor, sign
from derivations.exponents import OnWall
from derivations.law import RiskLaw
from phases.program import FREE_RATE, Infinite, NumericRow, Row, record_relation, solve_at, symbolic_rows, tight_rows
from phases.simplex import Inequality, Optimum, Vertex, end_basis, nondegenerate

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
    """A vertex over Q(alpha, beta): numerators over one common denominator, and the rows that determine it."""

    basis: tuple[str, ...]
    numerators: tuple[Poly, ...]
    denominator: Poly


@dataclass(frozen=True, slots=True)
class Piece:
    """One optimal basis around a sample point.

    ``literals`` maps each irreducible polynomial to the strict sign it has, ``reasons`` says where it came from.
    While they hold, the formulas are optimal: vertices feasible, multipliers non-negative.
    """

    sample: Point
    formulas: Formulas
    active: tuple[str, ...]
    binding: tuple[str, ...]
    rows: tuple[Row, ...]
    vertices: tuple[VertexFormula, ...]
    basis: tuple[str, ...]
    multipliers: tuple[tuple[str, Rational], ...]
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
    assert [r.name for r in rows] == [r.name for r in numeric]
    optimum = nondegenerate([r.inequality for r in numeric], optimum)
    basis = optimum.basis
    y_num, y_den = _multipliers(rows, basis)
    multipliers = []
    for k, p, y in zip(basis, y_num, optimum.multipliers, strict=True):
        ratio = (
            record.ratio(p, y_den, f"multiplier of {rows[k].name}") if not rows[k].equality else Rational.of(p, y_den)
        )
        if ratio and y == 0:
            raise OnWall
        multipliers.append((rows[k].name, ratio * Rational(rows[k].scale, ONE)))
    support = [k for k, y in zip(basis, optimum.multipliers, strict=True) if y or rows[k].equality]
    if len(support) == len(basis):
        vertices = [_vertex_formula(rows, basis, record)]
        formulas = _formulas_at(law, vertices[0])
    else:
        face = _Face(rows, [r.inequality for r in numeric], support, optimum, record)
        formulas = face.formulas(law)
        vertices = face.ends
    if rows[-1].name == FREE_RATE and formulas.rate is not None:
        formulas = replace(formulas, rate=(Infinite(-1), Infinite(1)))
    tight = _identically_tight(rows, vertices, numeric, optimum)
    return Piece(
        sample=point,
        formulas=formulas,
        active=tuple(r.name for r in rows if r.kind == "term" and r.name in tight),
        binding=tuple(r.name for r in rows if r.kind == "constraint" and r.name in tight),
        rows=tuple(rows),
        vertices=tuple(vertices),
        basis=tuple(rows[k].name for k in basis),
        multipliers=tuple(multipliers),
        literals=record.signs,
        reasons={p: tuple(w) for p, w in record.reasons.items()},
    )


def _slack_numerator(row: Row, vertex: VertexFormula) -> Poly:
    total = row.bound * vertex.denominator
    for c, p in zip(row.coefficients, vertex.numerators, strict=True):
        if c and p:
            total = total - c * p
    return total


def _vertex_formula(rows: Sequence[Row], basis: Sequence[int], record: _Recorder) -> VertexFormula:
    """The vertex of a basis; the slacks of all other rows are recorded."""
    numerators, den = _cramer(rows, basis)
    formula = VertexFormula(tuple(rows[k].name for k in basis), numerators, den)
    for k, row in enumerate(rows):
        if k not in basis:
            record.ratio(_slack_numerator(row, formula), den, f"slack of {row.name}")
    return formula


def _identically_tight(
    rows: Sequence[Row], vertices: Sequence[VertexFormula], numeric: Sequence[NumericRow], optimum: Optimum
) -> set[str]:
    """Rows that hold with equality on the whole optimal face, identically in alpha and beta."""
    at_sample = {row.name for row in tight_rows(numeric, optimum)}
    return {row.name for row in rows if row.name in at_sample and not any(_slack_numerator(row, v) for v in vertices)}


def _formulas_at(law: RiskLaw, vertex: VertexFormula) -> Formulas:
    """The formulas of a unique optimal vertex."""
    x = Rational.of(vertex.numerators[0], vertex.denominator)
    rate = None
    if law.has_rate and vertex.numerators[0]:
        e = Rational.of(vertex.numerators[1], vertex.numerators[0])
        rate = (e, e)
    return Formulas(Rational.of(vertex.numerators[-1], vertex.denominator), (x, x), rate)


class _Face:
    """A face of several optimal points: the ends of the ranges of x and of e = g/x, each with its own certificate.

    An end is a vertex of the face at which an objective is largest among the points of the face: -x, x, and for
    e = g/x at a vertex (x0, g0) the objective +-(g*x0 - g0*x). Its slacks and multipliers are recorded, so that it
    stays the end as long as they keep their signs. Where a ray carries the rate away, its feasibility is recorded.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        numeric: Sequence[Inequality],
        support: Sequence[int],
        optimum: Optimum,
        record: _Recorder,
    ) -> None:
        self.rows, self.numeric, self.support, self.optimum, self.record = rows, numeric, support, optimum, record
        self.ends: list[VertexFormula] = []

    def formulas(self, law: RiskLaw) -> Formulas:
        """Slope and ranges; the ends' vertices are left in ``ends``."""
        vertices = self.optimum.vertices
        low = self.end(min(vertices, key=lambda v: v.values[0]), "x", -1)
        high = self.end(max(vertices, key=lambda v: v.values[0]), "x", 1)
        slope = Rational.of(low.numerators[-1], low.denominator)
        model = tuple(Rational.of(v.numerators[0], v.denominator) for v in (low, high))
        return Formulas(slope, (model[0], model[1]), self.rates() if law.has_rate else None)

    def rates(self) -> FormulaRange | None:
        inside = [v for v in self.optimum.vertices if v.values[0]]
        if not inside:
            return None
        ends: list[Formula] = []
        for side, choose in ((-1, min), (1, max)):
            if self.escapes(side):
                ends.append(Infinite(side))
                continue
            vertex = self.end(choose(inside, key=lambda v: v.values[1] / v.values[0]), "e", side)
            ends.append(Rational.of(vertex.numerators[1], vertex.numerators[0]))
        return ends[0], ends[1]

    def escapes(self, side: int) -> bool:
        """Whether e is unbounded on this side, along a ray or towards a vertex with x = 0."""
        for ray in self.optimum.rays:
            if ray.direction[1] * side > 0:
                unit = Row(
                    "ray",
                    "bound",
                    tuple(ONE if k == ray.axis else ZERO for k in range(len(ray.direction))),
                    ONE if ray.direction[ray.axis] > 0 else -ONE,
                )
                homogeneous = [replace(row, bound=ZERO) for row in self.rows]
                system = [*homogeneous, unit]
                formula = _vertex_formula(system, (*ray.tight, len(self.rows)), self.record)
                self.record.ratio(formula.numerators[1], formula.denominator, "direction of the rate")
                return True
        for vertex in self.optimum.vertices:
            if not vertex.values[0] and vertex.values[1] * side > 0:
                formula = _vertex_formula(self.rows, vertex.basis, self.record)
                self.record.ratio(formula.numerators[1], formula.denominator, "direction of the rate")
                return True
        return False

    def end(self, vertex: Vertex, quantity: str, side: int) -> VertexFormula:
        x, g = vertex.values[0], vertex.values[1]
        objective = [Fraction(0)] * len(vertex.values)
        if quantity == "x":
            objective[0] = Fraction(side)
        else:
            objective[0], objective[1] = -side * g, side * x
        basis = end_basis(self.numeric, self.support, vertex, objective)
        if basis is None:
            raise OnWall
        formula = _vertex_formula(self.rows, basis, self.record)
        symbolic = [ZERO] * len(objective)
        if quantity == "x":
            symbolic[0] = ONE if side > 0 else -ONE
        else:
            p, q, d = formula.numerators[0], formula.numerators[1], formula.denominator
            symbolic[0], symbolic[1] = (-q * d, p * d) if side > 0 else (q * d, -p * d)
        self.record_multipliers(basis, symbolic, f"end of the range of {quantity}")
        self.ends.append(formula)
        return formula

    def record_multipliers(self, basis: tuple[int, ...], objective: Sequence[Poly], why: str) -> None:
        a = [list(self.rows[k].coefficients) for k in basis]
        den = _det(a)
        for i in range(len(self.support), len(basis)):
            swapped = [list(objective) if k == i else row for k, row in enumerate(a)]
            self.record.ratio(_det(swapped), den, why)
