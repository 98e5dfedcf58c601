"""Proving a diagram: evidence for every statement is gathered here, and the kernel says what follows from it.

Evidence, per piece: every sign that was used follows from the piece's walls (`phases.proof.decide`; a shift certificate
is handed over as an identity); multipliers; optimal points; the ends of ranges. For the whole: one decomposition of the
plane. What `phases.proof.kernel` returns is then held against the diagram, statement by statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derivations.algebra import Poly, Rational, canonical, sort_key
from derivations.budget import known, spend
from phases.phase_diagram import Phase, PhaseDiagram
from phases.piece import End, Formula, FormulaRange
from phases.planar import TooComplex, decompose
from phases.program import Infinite
from phases.proof import statements as s
from phases.proof.cells import Failure
from phases.proof.decide import linear_part
from phases.proof.kernel import establish
from phases.proof.products import products
from phases.proof.programme import programme_of
from phases.proof.shift import shift
from phases.proof.verdict import Proved, Refuted, Undecided, Verdict
from phases.walk import Chart


@dataclass(frozen=True, slots=True)
class DiagramCertificate:
    """A theorem and all that a checker needs to establish it again; see `phases.proof.certificate` for the file."""

    diagram: PhaseDiagram
    theorem: s.Theorem
    pieces: tuple[s.Piece, ...]
    cover: s.Cells
    fills: dict[str, s.Cells]

    @property
    def claim_count(self) -> int:
        """Number of signs that were shown to follow from walls."""
        return sum(len(p.signs) for p in self.pieces)


def prove(diagram: PhaseDiagram) -> Verdict:
    """Prove a diagram.

    Returns
    -------
    Proved with a `DiagramCertificate`; Refuted if a statement does not follow (which would be an error in the solver);
    Undecided if a decomposition passes its bounds.

    >>> from phases.phase_diagram import diagram
    >>> prove(diagram("kim2026/signsgd")).certificate.claim_count > 0
    True
    """
    pieces: list[s.Piece] = []
    fills: dict[str, s.Cells] = {}
    regions = {p.name: region_of(p) for p in diagram.phases}
    try:
        for phase in diagram.phases:
            own = []
            for chart in phase.charts:
                own.append(_piece(phase.name, chart))
                known("pieces with evidence", len(pieces) + len(own))
                spend()
            pieces += own
            edges = {p for part in regions[phase.name] for p in part}
            if len(regions[phase.name]) > 1 or not any(edges.issuperset(p.walls) for p in own):
                fills[phase.name] = _cells([*edges, *(w for p in own for w in p.walls)])
        edges = {p for parts in regions.values() for part in parts for p in part}
        cover = _cells([*edges, *diagram.survey.domain_polys])
        theorem = establish(programme_of(diagram.law), pieces, regions, cover, fills, spend)
    except TooComplex as error:
        return Undecided(str(error))
    except Failure as failure:
        return Refuted(failure.witness, failure.statement)
    for phase, (_, _, optimum) in zip(diagram.phases, theorem.phases, strict=True):
        if (optimum.value, dict(optimum.ranges)) != (phase.formulas.slope, stated_ranges(phase, diagram.law.has_rate)):
            return Refuted(phase.sample, f"the formulas of {phase.name} are not those proved")
        names = {t.name for t in diagram.law.terms} | {c.name for c in diagram.law.constraints}
        if optimum.binding & names != {*phase.active, *phase.binding}:
            return Refuted(phase.sample, f"the binding terms of {phase.name} are not those proved")
    return Proved(DiagramCertificate(diagram, theorem, tuple(pieces), cover, fills))


def region_of(phase: Phase) -> tuple[tuple[Poly, ...], ...]:
    """A phase's region as polynomials that are positive there, in parts."""
    return tuple(tuple(p * sign for p, sign in part) for part in phase.region.parts)


def stated_ranges(phase: Phase, has_rate: bool) -> dict[str, s.Range | None]:
    """The ranges of the quantities as the diagram states them."""
    out: dict[str, s.Range | None] = {"x": _range(phase.formulas.model)}
    if has_rate:
        out["e"] = None if phase.formulas.rate is None else _range(phase.formulas.rate)
    return out


def _range(ends: FormulaRange) -> s.Range:
    def end(formula: Formula) -> Rational | int:
        return formula.sign if isinstance(formula, Infinite) else formula

    return end(ends[0]), end(ends[1])


def _piece(phase: str, chart: Chart) -> s.Piece:
    piece = chart.piece
    walls = tuple(p * sign for p, sign in chart.walls)
    lines = linear_part(chart.walls)
    signs: list[tuple[Poly, s.Products | None]] = []
    for p, sign in piece.literals.items():
        if p * sign not in walls:
            certificate = shift(lines, p, sign)
            found = None if certificate is None else products(walls, p * sign, certificate.simplices)
            signs.append((p * sign, found))
    claims = [claim for claim, found in signs if found is None]
    return s.Piece(
        phase=phase,
        walls=walls,
        signs=tuple(signs),
        multipliers=dict(piece.multipliers),
        vertices=piece.vertices,
        unique=piece.unique,
        ends={q: (_end(low), _end(high)) for q, (low, high) in piece.ends.items()},
        tight=piece.tight,
        cells=_cells([*walls, *claims]) if claims else None,
    )


def _cells(polys: Iterable[Poly]) -> s.Cells:
    """A decomposition by the curves of these polynomials, with a sample in every cell."""
    curves = {canonical(p)[1] for p in polys}
    decomposition = decompose(sorted(curves, key=sort_key))
    return s.Cells(decomposition.polys, decomposition.stacks())


def _end(end: End) -> s.End:
    match end.kind:
        case "vertex":
            return s.AtVertex(end.vertex, dict(end.multipliers))
        case "ray":
            return s.AlongRay(end.vertex, end.ray)
        case "pole":
            return s.Towards(end.vertex, end.other)
        case _:
            return s.Nowhere(dict(end.multipliers))
