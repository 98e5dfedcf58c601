"""The phase diagram as data: phases, walls, corners; and what holds at a point.

`diagram` surveys a law (`phases.walk`), merges pieces with equal formulas into phases, and describes each phase's
region by irredundant inequalities. Everything is read off one decomposition of the plane with exact signs; drawing,
tables, LaTeX and JSON only read the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from derivations.algebra import Point, Poly, Rational, sign, sort_key
from derivations.errors import PhaselawsError
from derivations.exponents import holds, plain_ratio
from derivations.grammar import Node, parse_rational
from derivations.law import Claim, RiskLaw
from derivations.lawfile import relation_text
from derivations.registry import load
from phases.adjacency import Contact, contacts, surroundings
from phases.corners import Corner, find_corners
from phases.piece import Formula, Formulas
from phases.planar import Cell, Decomposition, satisfies
from phases.program import Exponent, Infinite, PointOptimum, Range, optimum_at
from phases.regions import Region, describe_region
from phases.roots import Root
from phases.walk import Chart, Survey, inside, survey


class OutsideDomain(PhaselawsError, ValueError):
    """The point violates one of the law's domain inequalities; the message names it."""


class NotANumber(PhaselawsError, TypeError):
    """A coordinate is not an exact number."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: closed formulas for the optimum, the binding terms, and the region where they hold."""

    name: str
    formulas: Formulas
    active: tuple[str, ...]
    binding: tuple[str, ...]
    region: Region
    sample: Point
    neighbours: tuple[str, ...]
    charts: tuple[Chart, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wall:
    """One irreducible curve along which two phases meet, or a phase ends (``sides`` then has one name).

    ``reasons`` say what changes sign: a slack, a multiplier, the existence of a term, a min or max, or the domain.
    """

    poly: Poly
    sides: tuple[str, ...]
    reasons: tuple[str, ...]
    continuous: bool


@dataclass(frozen=True, slots=True)
class Located:
    """What holds at one point: the phases that touch it and the exact optimum there."""

    law: str
    point: Point
    phases: tuple[Phase, ...]
    optimum: PointOptimum

    @property
    def slope(self) -> Fraction:
        """The compute-optimal slope eta*, exactly."""
        return self.optimum.slope

    @property
    def phase(self) -> str | list[str]:
        """The phase's name; on a wall the list of names."""
        names = [p.name for p in self.phases]
        return names[0] if len(names) == 1 else names

    @property
    def model_exponent(self) -> Exponent | list[Exponent]:
        """x* with M* = f^x*; a pair [lo, hi] where it is not unique."""
        return _collapse(self.optimum.model)

    @property
    def rate_exponent(self) -> Exponent | list[Exponent] | None:
        """e* with gamma = M^-e*; a pair [lo, hi] where it is not unique; None for a law without gamma."""
        return None if self.optimum.rate is None else _collapse(self.optimum.rate)

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the binding terms."""
        return self.optimum.active


def _collapse(ends: Range) -> Exponent | list[Exponent]:
    return ends[0] if ends[0] == ends[1] else list(ends)


def exact(value: object) -> Fraction:
    """An exact number from a Fraction, an int, or text such as ``"3/4"``; floats are refused.

    Raises
    ------
    NotANumber : a float or another type.
    derivations.grammar.ExpressionError : text that is not an exact number.
    """
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, str):
        return parse_rational(value)
    numerator, denominator = getattr(value, "p", None), getattr(value, "q", None)
    if isinstance(numerator, int) and isinstance(denominator, int) and denominator:
        return Fraction(numerator, denominator)
    raise NotANumber(f"expected an exact number such as '3/4' or Fraction(3, 4), got {value!r}")


@dataclass(frozen=True)
class PhaseDiagram:
    """The exact phase diagram of a law.

    >>> d = diagram("kim2026/signsgd")
    >>> d.at("2/5", "7/10").slope
    Fraction(6, 13)
    >>> [p.name for p in d.phases]
    ['Aa', 'Ab', 'Ac', 'B']
    """

    law: RiskLaw
    phases: tuple[Phase, ...]
    walls: tuple[Wall, ...]
    survey: Survey = field(repr=False)
    cell_phases: tuple[int | None, ...] = field(repr=False)

    @property
    def decomposition(self) -> Decomposition:
        """The decomposition of the plane by all walls and domain edges."""
        return self.survey.decomposition

    @cached_property
    def corners(self) -> tuple[Corner, ...]:
        """The points where walls meet, found when first asked for."""
        pairs: dict[tuple[Poly, Poly], None] = {}
        for phase in self.phases:
            own = sorted({w.poly for w in self.walls if phase.name in w.sides}, key=sort_key)
            pairs.update(dict.fromkeys(combinations(own, 2)))
        return find_corners(self.decomposition, self.cell_phases, tuple(pairs), [p.name for p in self.phases])

    def phase(self, name: str) -> Phase:
        """The phase of that name.

        Raises
        ------
        KeyError : no such phase.
        """
        for p in self.phases:
            if p.name == name:
                return p
        raise KeyError(name)

    def at(self, alpha: object, beta: object) -> Located:
        """What holds at an exact rational point.

        Raises
        ------
        OutsideDomain : the point violates a domain inequality.
        NotANumber, derivations.grammar.ExpressionError : not exact numbers.
        phases.program.UndefinedExponent : an exponent of the law divides by zero there.
        """
        point = exact(alpha), exact(beta)
        self.check_inside(point)
        phases = self.phases_at(point)
        if not phases:
            raise OutsideDomain(
                f"alpha = {point[0]}, beta = {point[1]} is an isolated point of the domain of {self.law.name}: "
                "expected a point that touches an open part of it"
            )
        if len(phases) == 1 and phases[0].region.contains(point):
            optimum = _evaluate(phases[0], point)
            if optimum is not None:
                return Located(self.law.name, point, phases, optimum)
        return Located(self.law.name, point, phases, optimum_at(self.law, point))

    def check_inside(self, point: Point) -> None:
        """Refuse a point outside the domain.

        Raises
        ------
        OutsideDomain : the message names the violated inequality.
        """
        try:
            violated = self.law.violated(point)
        except ZeroDivisionError:
            raise OutsideDomain(
                f"alpha = {point[0]}, beta = {point[1]} is outside the domain of {self.law.name}: "
                "expected inequalities that are defined there"
            ) from None
        if violated is not None:
            raise OutsideDomain(
                f"alpha = {point[0]}, beta = {point[1]} is outside the domain of {self.law.name}: "
                f"expected {relation_text(violated)}"
            )

    def phases_at(self, point: Point) -> tuple[Phase, ...]:
        """The phases whose closure contains the point: one inside a phase, several on a wall."""
        if all(sign(p, point) for p in self._wall_polys):
            found = tuple(p for p in self.phases if p.region.contains(point))
            if found:
                return found
        alpha, beta = (Root((-x.numerator, x.denominator), x, x, 0) for x in point)
        return self.phases_around(alpha, beta)

    def phases_around(self, alpha: Root, beta: Root) -> tuple[Phase, ...]:
        """The phases that touch a point with algebraic coordinates, in the diagram's order."""
        near = surroundings(self.decomposition, alpha, beta)
        return tuple(p for p in self.phases if any(p.region.contains(q) for q in near))

    @cached_property
    def _wall_polys(self) -> tuple[Poly, ...]:
        return tuple(dict.fromkeys(w.poly for w in self.walls))


def _evaluate(phase: Phase, point: Point) -> PointOptimum | None:
    """The optimum inside a phase from its formulas; None where they do not tell all (a recorded sign vanishes)."""

    def at(formula: Formula) -> Exponent:
        return formula if isinstance(formula, Infinite) else formula.at(point)

    f = phase.formulas
    chart = next((c for c in phase.charts if satisfies(point, c.walls)), None)
    if chart is None or not f.unique or set(chart.piece.active) != set(phase.active):
        return None
    if any(sign(p, point) == 0 for p in chart.piece.literals):
        return None
    return PointOptimum(
        slope=f.slope.at(point),
        model=(at(f.model[0]), at(f.model[1])),
        rate=None if f.rate is None else (at(f.rate[0]), at(f.rate[1])),
        active=phase.active,
        binding=phase.binding,
        multipliers={name: y.at(point) for name, y in chart.piece.multipliers if y},
    )


def diagram(law: str | RiskLaw) -> PhaseDiagram:
    """The exact phase diagram of a law, given by name, path or as a `RiskLaw`.

    Raises
    ------
    derivations.registry.UnknownLaw, derivations.lawfile.LawFileError : the law cannot be read.
    phases.walk.EmptyDomain, phases.walk.NoFiniteSlope : it has no diagram.
    """
    if isinstance(law, str):
        law = load(law)
    return assemble(survey(law))


def assemble(found: Survey) -> PhaseDiagram:
    """Merge the pieces of a survey into phases and describe them."""
    law, decomposition = found.law, found.decomposition
    cells = list(decomposition.cells())
    charts_of: list[tuple[int, ...]] = []
    for cell in cells:
        if inside(law, cell.point):
            charts_of.append(tuple(k for k, c in enumerate(found.charts) if satisfies(cell.point, c.walls)))
        else:
            charts_of.append(())
    touching = list(contacts(decomposition))
    component = _components(found.charts, charts_of, touching)
    groups: dict[int, list[int]] = {}
    for k, root in enumerate(component):
        if root is not None:
            groups.setdefault(root, []).append(k)
    drafts = [_draft(found, members, charts_of, cells) for members in groups.values()]
    order = sorted(range(len(drafts)), key=lambda i: _rank(law, drafts[i]))
    names = _names(law, [drafts[i] for i in order])
    place = {i: rank for rank, i in enumerate(order)}
    owner: list[int | None] = [None] * len(cells)
    for i, members in enumerate(groups.values()):
        for k in members:
            owner[k] = place[i]
    sides = _sides(touching, owner)
    phases = []
    for rank, i in enumerate(order):
        draft = drafts[i]
        near = sorted(
            {r for pair in sides.values() for a, b in pair if rank in (a, b) for r in (a, b) if r is not None}
        )
        phases.append(
            Phase(
                name=names[rank],
                formulas=draft.formulas,
                active=draft.active,
                binding=draft.binding,
                region=draft.region,
                sample=draft.sample,
                neighbours=tuple(names[r] for r in near if r != rank),
                charts=draft.charts,
            )
        )
    walls = _walls(sides, phases, found)
    return PhaseDiagram(law, tuple(phases), walls, found, tuple(owner))


def _components(
    charts: Sequence[Chart], charts_of: Sequence[tuple[int, ...]], touching: Sequence[Contact]
) -> list[int | None]:
    """Sets of cells with equal formulas that touch or lie in one chart: a representative, None outside the domain."""
    parent = list(range(len(charts_of)))

    def find(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for contact in touching:
        a, b = charts_of[contact.first], charts_of[contact.second]
        if a and b and charts[a[0]].piece.formulas == charts[b[0]].piece.formulas:
            parent[find(contact.first)] = find(contact.second)
    home: dict[int, int] = {}
    for k, used in enumerate(charts_of):
        for chart in used:
            parent[find(k)] = find(home.setdefault(chart, k))
    return [find(k) if charts_of[k] else None for k in range(len(charts_of))]


@dataclass(frozen=True, slots=True)
class _Draft:
    formulas: Formulas
    active: tuple[str, ...]
    binding: tuple[str, ...]
    region: Region
    sample: Point
    charts: tuple[Chart, ...]
    points: tuple[Point, ...]


def _draft(found: Survey, members: list[int], charts_of: Sequence[tuple[int, ...]], cells: Sequence[Cell]) -> _Draft:
    used = sorted({k for m in members for k in charts_of[m]})
    charts = tuple(found.charts[k] for k in used)
    active = [set(c.piece.active) for c in charts]
    binding = [set(c.piece.binding) for c in charts]
    points = [cells[m].point for m in members]
    simplest = min(points, key=lambda p: (p[0].denominator * p[1].denominator, abs(p[0]) + abs(p[1]), p))
    return _Draft(
        formulas=charts[0].piece.formulas,
        active=tuple(t.name for t in found.law.terms if all(t.name in a for a in active)),
        binding=tuple(c.name for c in found.law.constraints if all(c.name in b for b in binding)),
        region=describe_region(found.decomposition.polys, [c.signs for c in cells], members),
        sample=simplest,
        charts=charts,
        points=tuple(points),
    )


def claim_matches(claim: Claim, formulas: Formulas) -> bool:
    """Whether all formulas that a claim gives are the phase's, exactly, as rational functions."""
    mine: dict[str, Formula | None] = {
        "slope": formulas.slope,
        "model_exponent": formulas.model[0] if formulas.model[0] == formulas.model[1] else None,
        "rate_exponent": formulas.rate[0] if formulas.rate and formulas.rate[0] == formulas.rate[1] else None,
    }
    return all(claimed_formula(node) == mine[key] for key, node in claim.formulas().items())


def claimed_formula(node: Node) -> Rational:
    """A claimed formula as a rational function in lowest terms."""
    return plain_ratio(node)


def _claim_of(law: RiskLaw, draft: _Draft) -> int | None:
    for k, claim in enumerate(law.claims):
        matches = claim.name and claim_matches(claim, draft.formulas)
        if matches and any(all(holds(r, p) for r in claim.where) for p in draft.points):
            return k
    return None


def _rank(law: RiskLaw, draft: _Draft) -> tuple[object, ...]:
    k = _claim_of(law, draft)
    return (k is None, k or 0, draft.sample)


def _names(law: RiskLaw, drafts: Sequence[_Draft]) -> list[str]:
    names: list[str] = []
    taken = {c.name for c in law.claims}
    number = 0
    for draft in drafts:
        k = _claim_of(law, draft)
        if k is not None and law.claims[k].name not in names:
            names.append(law.claims[k].name)
            continue
        number += 1
        while f"P{number}" in taken:
            number += 1
        names.append(f"P{number}")
    return names


Sides = dict[Poly, set[tuple[int | None, int | None]]]


def _sides(touching: Sequence[Contact], owner: Sequence[int | None]) -> Sides:
    """For each curve, the pairs of phases that meet along it."""
    out: Sides = {}
    for contact in touching:
        a, b = owner[contact.first], owner[contact.second]
        if a != b:
            for p in contact.polys:
                pair = (a, b) if b is None or (a is not None and a < b) else (b, a)
                out.setdefault(p, set()).add(pair)
    return out


def _walls(sides: Sides, phases: Sequence[Phase], found: Survey) -> tuple[Wall, ...]:
    out = []
    for p in sorted(sides, key=sort_key):
        for a, b in sorted(sides[p], key=lambda ab: tuple(-1 if x is None else x for x in ab)):
            ranks = [r for r in (a, b) if r is not None]
            near = [c for r in ranks for c in phases[r].charts if any(q == p for q, _ in c.walls)]
            reasons = {w: None for c in near for w in c.piece.reasons.get(p, ())}
            if len(ranks) == 2:
                reasons.pop("domain", None)
                difference = phases[ranks[0]].formulas.slope - phases[ranks[1]].formulas.slope
                continuous = not difference or not difference.num.rem(p)
            else:
                reasons = {"domain": None}
                continuous = True
            out.append(Wall(p, tuple(phases[r].name for r in ranks), tuple(reasons), continuous))
    return tuple(out)
