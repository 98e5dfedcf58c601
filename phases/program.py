"""The parametric linear programme of a risk law: at a point, and around a point over Q(alpha, beta).

With M = f^x, N = f^(1-x), gamma = f^(-g) and risk f^(-eta), every term and constraint is an inequality linear in
(x, g, ..., eta) with coefficients in Q(alpha, beta). At a rational point the programme is solved exactly; around a
generic one its rows are polynomials, and every comparison made to find them is recorded (see `phases.piece`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from derivations.algebra import ONE, ZERO, Point, Poly, Rational, sign
from derivations.errors import PhaselawsError
from derivations.exponents import OnWall, Record, holds, resolve, value
from derivations.grammar import Relation
from derivations.law import Constraint, Monomial, RiskLaw, Term
from phases.simplex import Inequality, Optimum, maximise


class UndefinedExponent(PhaselawsError, ValueError):
    """An exponent of the law divides by zero at this point."""


@dataclass(frozen=True, slots=True)
class Row:
    """One inequality ``coefficients . v <= bound`` over Q[alpha, beta], and what it stands for."""

    name: str
    kind: str  # "term", "constraint" or "bound"
    coefficients: tuple[Poly, ...]
    bound: Poly
    equality: bool = False
    scale: Poly = ONE
    """The positive factor that cleared denominators."""


@dataclass(frozen=True, slots=True)
class NumericRow:
    """The same at one rational point."""

    name: str
    kind: str
    inequality: Inequality
    scale: Fraction = Fraction(1)
    """The positive factor that cleared denominators."""


FREE_RATE = "gamma = 1"
"""Where gamma occurs in no row it is pinned to one, and every rate is optimal (no name in a law file has a = in it)."""
FIXED_RATE = "gamma = M^-E"
"""The equation that a rate given by hand adds."""


def variables(law: RiskLaw) -> tuple[str, ...]:
    """Names of the programme's unknowns, ``eta`` last; ``g`` only if gamma occurs."""
    return ("x", *(("g",) if law.has_rate else ()), *law.auxiliary, "eta")


_COLUMN = {"gamma": "g", "L": "eta"}


def _entries(law: RiskLaw) -> list[tuple[str, str, Term | Constraint]]:
    return [("term", t.name, t) for t in law.terms] + [("constraint", c.name, c) for c in law.constraints]


def numeric_rows(law: RiskLaw, point: Point) -> list[NumericRow]:
    """The programme at a rational point.

    Raises
    ------
    UndefinedExponent : an exponent has a vanishing denominator there.
    """
    names = variables(law)
    out = []
    for kind, name, entry in _entries(law):
        try:
            if not all(holds(r, point) for r in entry.where):
                continue
            powers = {base: value(node, point) for base, node in entry.monomial.exponents}
        except ZeroDivisionError:
            raise UndefinedExponent(
                f"the exponent of {name!r} is not defined at alpha = {point[0]}, beta = {point[1]} (division by zero)"
            ) from None
        steps = powers.get("N", Fraction(0))
        row = dict.fromkeys(names, Fraction(0))
        for base, power in powers.items():
            if base == "M":
                row["x"] += power
            elif base == "N":
                row["x"] -= power
            elif base == "gamma":
                row["g"] -= power
            elif base == "L":
                row["eta"] -= power
            else:
                row[base] += power
        if kind == "term":
            row["eta"] += 1
        equality = isinstance(entry, Constraint) and entry.equality
        values = [row[v] for v in names]
        scale = lcm(steps.denominator, *(v.denominator for v in values))
        out.append(NumericRow(name, kind, Inequality.of(values, -steps, equality), Fraction(scale)))
    width = len(names)
    out.append(NumericRow("M >= 1", "bound", Inequality((-1, *[0] * (width - 1)), 0)))
    out.append(NumericRow("N >= 1", "bound", Inequality((1, *[0] * (width - 1)), 1)))
    if law.has_rate and not any(row.inequality.coefficients[1] for row in out):
        out.append(NumericRow(FREE_RATE, "bound", Inequality((0, 1, *[0] * (width - 2)), 0, True)))
    return out


def _symbolic_row(
    law: RiskLaw, kind: str, name: str, monomial: Monomial, equality: bool, point: Point, record: Record
) -> Row:
    names = variables(law)
    powers = {base: resolve(node, point, record) for base, node in monomial.exponents}
    den = ONE
    for power in powers.values():
        if power.den != den and power.den != ONE:
            den = den * Rational.of(power.den, den).num
    if not den.is_ground:
        record(den, f"denominator in {name}")
        if sign(den, point) == 0:
            raise OnWall
    elif den.LC < 0:
        den = -den
    flip = 1 if sign(den, point) > 0 else -1
    scaled = {base: power.num * Rational.of(den, power.den).num * flip for base, power in powers.items()}
    row = dict.fromkeys(names, ZERO)
    for base, p in scaled.items():
        if base == "M":
            row["x"] = row["x"] + p
        elif base == "N":
            row["x"] = row["x"] - p
        elif base in _COLUMN:
            row[_COLUMN[base]] = row[_COLUMN[base]] - p
        else:
            row[base] = row[base] + p
    if kind == "term":
        row["eta"] = row["eta"] + den * flip
    return Row(name, kind, tuple(row[v] for v in names), -scaled.get("N", ZERO), equality, den * flip)


def record_relation(relation: Relation, point: Point, record: Record, label: str) -> bool:
    """Whether a relation holds around a generic point; its comparisons are recorded.

    Raises
    ------
    OnWall : both sides are equal at the point without being the same function.
    """
    left = resolve(relation.left, point, lambda p, s: record(p, label))
    right = resolve(relation.right, point, lambda p, s: record(p, label))
    difference = left - right
    if not difference:
        return relation.op in ("<=", ">=")
    record(difference.num, label)
    record(difference.den, label)
    side = difference.sign(point)
    if side == 0:
        raise OnWall
    return (side > 0) == (relation.op in (">", ">="))


def symbolic_rows(law: RiskLaw, point: Point, record: Record) -> list[Row]:
    """The programme around a generic rational point; every comparison made is recorded.

    Raises
    ------
    OnWall : the point is not generic.
    """
    rows = []
    for kind, name, entry in _entries(law):
        present = [record_relation(r, point, record, f"existence of {name}") for r in entry.where]
        if not all(present):
            continue
        equality = isinstance(entry, Constraint) and entry.equality

        def labelled(p: Poly, what: str, name: str = name) -> None:
            record(p, what if what.startswith("denominator") else f"{what} in {name}")

        rows.append(_symbolic_row(law, kind, name, entry.monomial, equality, point, labelled))
    width = len(variables(law))
    rows.append(Row("M >= 1", "bound", (-ONE, *[ZERO] * (width - 1)), ZERO))
    rows.append(Row("N >= 1", "bound", (ONE, *[ZERO] * (width - 1)), ONE))
    if law.has_rate and not any(row.coefficients[1] for row in rows):
        rows.append(Row(FREE_RATE, "bound", (ZERO, ONE, *[ZERO] * (width - 2)), ZERO, True))
    return rows


def fixed_rows(law: RiskLaw, point: Point, rate: Fraction) -> list[NumericRow]:
    """The programme at a rational point with gamma = M^(-rate).

    Raises
    ------
    UndefinedExponent : see `numeric_rows`.
    """
    names = variables(law)
    row = dict.fromkeys(names, Fraction(0))
    row["g"], row["x"] = Fraction(1), -rate
    values = [row[v] for v in names]
    scale = lcm(*(v.denominator for v in values))
    fixed = NumericRow(FIXED_RATE, "bound", Inequality.of(values, Fraction(0), True), Fraction(scale))
    return [*(r for r in numeric_rows(law, point) if r.name != FREE_RATE), fixed]


def solve_at(law: RiskLaw, point: Point, rate: Fraction | None = None) -> tuple[list[NumericRow], Optimum]:
    """Exact optimum at a rational point; ``rate`` adds gamma = M^(-rate).

    Raises
    ------
    UndefinedExponent : an exponent is not defined there.
    phases.simplex.Unbounded : the law lets the slope grow without bound.
    phases.simplex.Infeasible : the law's constraints contradict each other.
    """
    rows = numeric_rows(law, point) if rate is None else fixed_rows(law, point, rate)
    return rows, maximise([r.inequality for r in rows])


class Infinite:
    """An unbounded end of a range of optimal exponents; ``sign`` is +1 or -1."""

    __slots__ = ("sign",)

    def __init__(self, sign: int) -> None:
        self.sign = sign

    def __str__(self) -> str:
        return "oo" if self.sign > 0 else "-oo"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Infinite) and other.sign == self.sign

    def __hash__(self) -> int:
        return hash(("Infinite", self.sign))


Exponent = Fraction | Infinite
Range = tuple[Exponent, Exponent]


@dataclass(frozen=True, slots=True)
class PointOptimum:
    """The exact optimum at one point, in the contract's terms.

    ``model`` and ``rate`` are closed ranges (equal ends where the optimum is unique); ``rate`` is None for a law
    without gamma, or where the optimal model size is constant.
    """

    slope: Fraction
    model: Range
    rate: Range | None
    active: tuple[str, ...]
    binding: tuple[str, ...]
    multipliers: dict[str, Fraction]


def tight_rows(rows: Sequence[NumericRow], optimum: Optimum) -> list[NumericRow]:
    """The rows that hold with equality on the whole optimal face."""
    out = []
    for row in rows:
        on_vertices = all(row.inequality.slack(v.values) == 0 for v in optimum.vertices)
        along = all(
            sum(c * d for c, d in zip(row.inequality.coefficients, ray.direction, strict=True)) == 0
            for ray in optimum.rays
        )
        if on_vertices and along:
            out.append(row)
    return out


def optimum_at(law: RiskLaw, point: Point, rate: Fraction | None = None) -> PointOptimum:
    """The exact optimum at a rational point: slope, ranges of exponents, binding terms and multipliers.

    Raises
    ------
    UndefinedExponent, phases.simplex.Unbounded, phases.simplex.Infeasible : see `solve_at`.
    """
    rows, optimum = solve_at(law, point, rate)
    xs = [v.values[0] for v in optimum.vertices]
    tight = tight_rows(rows, optimum)
    scale = {}
    for k, y in zip(optimum.basis, optimum.multipliers, strict=True):
        scale[rows[k].name] = y * rows[k].scale
    return PointOptimum(
        slope=optimum.value,
        model=(min(xs), max(xs)),
        rate=_rate_range(law, rows, optimum),
        active=tuple(r.name for r in tight if r.kind == "term"),
        binding=tuple(r.name for r in tight if r.kind == "constraint"),
        multipliers=scale,
    )


def _rate_range(law: RiskLaw, rows: Sequence[NumericRow], optimum: Optimum) -> Range | None:
    if not law.has_rate:
        return None
    if rows[-1].name == FREE_RATE:
        return Infinite(-1), Infinite(1)
    ends: list[Exponent] = [v.values[1] / v.values[0] for v in optimum.vertices if v.values[0]]
    if not ends:
        return None
    infinite = {1 if r.direction[1] > 0 else -1 for r in optimum.rays if r.direction[1]}
    infinite |= {1 if v.values[1] > 0 else -1 for v in optimum.vertices if not v.values[0] and v.values[1]}
    finite = [e for e in ends if isinstance(e, Fraction)]
    low: Exponent = Infinite(-1) if -1 in infinite else min(finite)
    high: Exponent = Infinite(1) if 1 in infinite else max(finite)
    return low, high
