"""Printed laws held against the exact answer and against the derivation.

Claims are proved throughout their region, or refuted with a point to substitute. Where a law names its derived
counterpart, the two slopes are compared over the whole plane; a zone where they differ comes with the margin, a
witness, the terms that bind on each side, and the steps of the derivation that put them there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derivations.algebra import Point, Rational, sort_key
from derivations.budget import spend
from derivations.derive import Step, derive
from derivations.exponents import holds, value
from derivations.law import Claim
from derivations.optimizers.lookup import optimizer_named
from phases.compare import Comparison, Zone, compare
from phases.merge import claimed_formula
from phases.phase_diagram import Phase, PhaseDiagram, diagram
from phases.piece import Formula
from phases.planar import TooComplex, decompose
from phases.program import solve_at, variables
from phases.proof.verdict import Proved, Refuted, Undecided, Verdict
from phases.terms import TermMatch, match_terms
from phases.walk import inside, relation_polys


@dataclass(frozen=True, slots=True)
class ClaimReport:
    """A claim, the verdict on it, and the phases that its region meets."""

    claim: Claim
    verdict: Verdict
    phases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoveredCells:
    """Certificate of a claim: a sample of every open cell of its region, each in a phase with the claimed formulas."""

    samples: tuple[Point, ...]


def audit(diagram: PhaseDiagram) -> tuple[ClaimReport, ...]:
    """Check every claim of the diagram's law.

    >>> from phases.phase_diagram import diagram
    >>> {type(r.verdict).__name__ for r in audit(diagram("paquette2024/sgd"))}
    {'Proved'}
    """
    return tuple(check_claim(diagram, claim) for claim in diagram.law.claims)


def check_claim(diagram: PhaseDiagram, claim: Claim) -> ClaimReport:
    """Decide one claim on the part of its region that lies in the law's domain."""
    polys = sorted({*diagram.decomposition.polys, *relation_polys(claim.where)}, key=sort_key)
    try:
        decomposition = decompose(polys)
    except TooComplex as error:
        return ClaimReport(claim, Undecided(str(error)), ())
    samples = []
    met: dict[str, None] = {}
    refuted: Refuted | None = None
    for cell in decomposition.cells():
        spend()
        point = cell.point
        if not (inside(diagram.law, point) and all(holds(r, point) for r in claim.where)):
            continue
        phase = next(p for p in diagram.phases if p.region.contains(point))
        met[phase.name] = None
        samples.append(point)
        if refuted is None:
            wrong = _difference(claim, phase, point)
            refuted = Refuted(point, wrong) if wrong else None
    if refuted is not None:
        return ClaimReport(claim, refuted, tuple(met))
    if not samples:
        return ClaimReport(claim, Undecided("the claim's region does not meet the law's domain"), ())
    return ClaimReport(claim, Proved(CoveredCells(tuple(samples))), tuple(met))


def _difference(claim: Claim, phase: Phase, point: Point) -> str | None:
    f = phase.formulas
    mine: dict[str, tuple[Formula, Formula] | None] = {
        "slope": (f.slope, f.slope),
        "model_exponent": f.model,
        "rate_exponent": f.rate,
    }
    for key, node in claim.formulas().items():
        ends = mine[key]
        formula = claimed_formula(node)
        if ends is None or ends[0] != formula or ends[1] != formula:
            return f"{key.replace('_', ' ')} {_text(ends, point)} where {value(node, point)} is claimed"
    if claim.active is not None and set(claim.active) != set(phase.active):
        return f"binding terms {', '.join(phase.active)} where {', '.join(claim.active)} is claimed"
    return None


def _text(ends: tuple[Formula, Formula] | None, point: Point) -> str:
    if ends is None:
        return "undetermined"
    texts = [str(e.at(point)) if isinstance(e, Rational) else str(e) for e in ends]
    return texts[0] if texts[0] == texts[1] else f"anywhere in [{texts[0]}, {texts[1]}]"


@dataclass(frozen=True, slots=True)
class Difference:
    """A zone where the derived slope is not the printed one.

    ``steps`` are the derivation's steps behind the derived terms that bind there. ``learned`` is, at the printed
    optimum and as exponents of f, the intrinsic time reached and the time 2 alpha x at which the noise is saturated.
    """

    zone: Zone
    steps: tuple[Step, ...]
    learned: tuple[Fraction, Fraction] | None


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A printed law beside its derived counterpart."""

    comparison: Comparison
    differences: tuple[Difference, ...]
    terms: tuple[TermMatch, ...]

    @property
    def agreeing(self) -> tuple[Zone, ...]:
        """Zones where the two slopes are the same function."""
        return tuple(z for z in self.comparison.zones if not z.winner)


def against_derivation(printed: PhaseDiagram) -> Counterpart | None:
    """Compare a printed law with the derived law that it names; None if it names none.

    Raises
    ------
    derivations.optimizers.lookup.UnknownOptimizer : what it names is no derived law.

    >>> found = against_derivation(diagram("kim2026/signsgd"))
    >>> [d.zone.first.name for d in found.differences], found.differences[0].zone.winner
    (['Ac', 'Ac'], -1)
    """
    if not printed.law.derived:
        return None
    optimizer = optimizer_named(printed.law.derived)
    derived = diagram(printed.law.derived)
    derivation = derive(optimizer)
    comparison = compare(printed, derived)
    differences = []
    for zone in comparison.zones:
        if zone.winner:
            forms = {t.form for t in derived.law.terms if t.name in zone.second.active}
            steps = tuple(s for s in derivation.steps if s.result in forms)
            differences.append(Difference(zone, steps, _time_reached(printed, derived, zone.sample)))
    return Counterpart(comparison, tuple(differences), match_terms(printed.law, derived.law, derivation))


def _time_reached(printed: PhaseDiagram, derived: PhaseDiagram, point: Point) -> tuple[Fraction, Fraction] | None:
    """Intrinsic time at the printed optimum, if the derived clock is run there: t = 1 - x - g + c x + kappa eta.

    The clock constraint of the derived law is solved for tau with the printed size, rate and slope.
    """
    located = printed.at(*point)
    x, e = located.model_exponent, located.rate_exponent
    if not isinstance(x, Fraction) or not isinstance(e, Fraction):
        return None
    rows, _ = solve_at(derived.law, point)
    names = variables(derived.law)
    clock = next(r.inequality for r in rows if r.name == "clock")
    known = {"x": x, "g": e * x, "eta": located.slope, "tau": Fraction(0)}
    weight = clock.coefficients[names.index("tau")]
    t = clock.slack([known[n] for n in names]) / weight
    return t, 2 * point[0] * x
