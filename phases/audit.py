"""Printed claims against the exact answer: proved throughout their region, or refuted with a point to substitute."""

from __future__ import annotations

from dataclasses import dataclass

from derivations.algebra import Point, Rational, sort_key
from derivations.exponents import holds, value
from derivations.law import Claim
from phases.phase_diagram import Phase, PhaseDiagram, claimed_formula
from phases.planar import TooComplex, decompose
from phases.program import Formula
from phases.proof.verdict import Proved, Refuted, Undecided, Verdict
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
