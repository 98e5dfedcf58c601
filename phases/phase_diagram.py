"""The phase diagram as data: phases, walls, corners; and what holds at a point.

`diagram` surveys a law (`phases.walk`), merges pieces with equal formulas into phases, and describes each phase's
region by irredundant inequalities. Everything is read off one decomposition of the plane with exact signs; drawing,
tables, LaTeX and JSON only read the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from derivations.algebra import Point, Poly, sign, sort_key
from derivations.errors import PhaselawsError
from derivations.grammar import parse_rational
from derivations.law import RiskLaw
from derivations.lawfile import relation_text
from derivations.registry import load
from phases.adjacency import Contact, contacts, surroundings
from phases.corners import Corner, find_corners
from phases.merge import Draft, components, draft_of, merge_claimed, order_of, simplest_samples
from phases.piece import Formula, Formulas
from phases.planar import Decomposition, Signs, satisfies
from phases.program import Exponent, Infinite, PointOptimum, Range, optimum_at
from phases.regions import Region
from phases.roots import Root
from phases.walk import Chart, Survey, survey


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


class AtPoint:
    """What is read off the exact optimum at one point."""

    point: Point
    optimum: PointOptimum

    @property
    def slope(self) -> Fraction:
        """The compute-optimal slope eta*, exactly."""
        return self.optimum.slope

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


@dataclass(frozen=True)
class Located(AtPoint):
    """What holds at one point: the phases that touch it and the exact optimum there."""

    law: str
    point: Point
    phases: tuple[Phase, ...]
    optimum: PointOptimum

    @property
    def phase(self) -> str | list[str]:
        """The phase's name; on a wall the list of names."""
        names = [p.name for p in self.phases]
        return names[0] if len(names) == 1 else names

    @property
    def formulas(self) -> tuple[tuple[Formulas, Point], ...]:
        """The phases' formulas, each with a point at which its factors are positive when written."""
        return tuple((p.formulas, self.point if p.region.contains(self.point) else p.sample) for p in self.phases)


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
    owners: Mapping[Signs, int | None] = field(repr=False)
    """The place in ``phases`` of all cells with the same signs; None outside the domain."""

    @property
    def decomposition(self) -> Decomposition:
        """The decomposition of the plane by all walls and domain edges."""
        return self.survey.decomposition

    @cached_property
    def cell_phases(self) -> tuple[int | None, ...]:
        """The place in ``phases`` of every cell of the decomposition; None outside the domain."""
        return tuple(self.owners[signs] for signs in self.decomposition.cell_signs())

    @cached_property
    def corners(self) -> tuple[Corner, ...]:
        """The points where walls meet, found when first asked for."""
        pairs: dict[tuple[Poly, Poly], None] = {}
        for phase in self.phases:
            own = sorted({w.poly for w in self.walls if phase.name in w.sides}, key=sort_key)
            pairs.update(dict.fromkeys(combinations(own, 2)))
        return find_corners(self.decomposition, self.owners, tuple(pairs), [p.name for p in self.phases])

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
        check_inside(self.law, point)
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


def check_inside(law: RiskLaw, point: Point) -> None:
    """Refuse a point outside a law's domain.

    Raises
    ------
    OutsideDomain : the message names the violated inequality.
    """
    where = f"alpha = {point[0]}, beta = {point[1]} is outside the domain of {law.name}"
    try:
        violated = law.violated(point)
    except ZeroDivisionError:
        raise OutsideDomain(f"{where}: expected inequalities that are defined there") from None
    if violated is not None:
        raise OutsideDomain(f"{where}: expected {relation_text(violated)}")


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
    charts_of = found.charts_of()
    touching = contacts(decomposition)
    component = merge_claimed(found, components(found.charts, charts_of, touching), charts_of)
    groups: dict[Signs, list[Signs]] = {}
    for signs, root in component.items():
        groups.setdefault(root, []).append(signs)
    samples = simplest_samples(decomposition, component)
    drafts = [draft_of(found, members, charts_of, samples[root]) for root, members in groups.items()]
    order = sorted(range(len(drafts)), key=lambda i: order_of(drafts[i]))
    names = _names(law, [drafts[i] for i in order])
    place = {i: rank for rank, i in enumerate(order)}
    owner: dict[Signs, int | None] = dict.fromkeys(decomposition.classes)
    for i, members in enumerate(groups.values()):
        owner.update(dict.fromkeys(members, place[i]))
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
    return PhaseDiagram(law, tuple(phases), walls, found, owner)


def _names(law: RiskLaw, drafts: Sequence[Draft]) -> list[str]:
    names: list[str] = []
    taken = {c.name for c in law.claims}
    number = 0
    for draft in drafts:
        k = draft.claim
        if k is not None and law.claims[k].name not in names:
            names.append(law.claims[k].name)
            continue
        number += 1
        while f"P{number}" in taken:
            number += 1
        names.append(f"P{number}")
    return names


Sides = dict[Poly, set[tuple[int | None, int | None]]]


def _sides(touching: Sequence[Contact], owner: Mapping[Signs, int | None]) -> Sides:
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
