"""Proving a diagram: every formula optimal throughout its region, the regions covering the domain, no two overlapping.

What has to be shown, and how it is shown:

* optimal: for each piece, the vertices solve their basis rows and the multipliers combine the rows to the objective
  (identities); every comparison, slack and multiplier has the sign that was recorded at the sample throughout the
  region (one implication "walls => sign" each, decided by `phases.proof.decide`). By linear programming duality the
  formulas are then optimal;
* covering and disjoint: one open decomposition by all walls and domain edges; each cell in the domain satisfies the
  walls of a piece, and all pieces that it satisfies have equal formulas;
* stated regions: a phase's published inequalities hold in exactly its own cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derivations.algebra import Point
from derivations.budget import known, spend
from phases.phase_diagram import PhaseDiagram
from phases.planar import Literal, Stacks, satisfies
from phases.proof.decide import Certificate, implies
from phases.proof.verdict import Proved, Refuted, Undecided, Verdict
from phases.walk import Chart, inside


@dataclass(frozen=True, slots=True)
class SignClaim:
    """On the piece's region, a polynomial has the recorded sign."""

    literal: Literal
    reasons: tuple[str, ...]
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class PieceProof:
    """All sign claims of one piece, from its walls."""

    chart: Chart
    claims: tuple[SignClaim, ...]


@dataclass(frozen=True, slots=True)
class CoverCell:
    """A cell's sample, the phase it belongs to (None: outside the domain) and the pieces that hold there."""

    point: Point
    phase: int | None
    pieces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DiagramCertificate:
    """Everything a checker needs; see `phases.proof.certificate` for the file format."""

    diagram: PhaseDiagram
    pieces: tuple[PieceProof, ...]
    stacks: Stacks
    cells: tuple[CoverCell, ...]

    @property
    def claim_count(self) -> int:
        """Number of implications proved."""
        return sum(len(p.claims) for p in self.pieces)


Observer = Callable[[tuple[Literal, ...], Literal, Verdict], None]
"""Called with every implication and its verdict; a second opinion listens here."""


def prove(diagram: PhaseDiagram, observe: Observer | None = None) -> Verdict:
    """Prove a diagram.

    Returns
    -------
    Proved with a `DiagramCertificate`; Refuted with a point where a claim fails (which would be an error in the
    solver); Undecided if a decomposition passes its bounds.

    >>> from phases.phase_diagram import diagram
    >>> prove(diagram("kim2026/signsgd")).certificate.claim_count > 0
    True
    """
    pieces = []
    for chart in diagram.survey.charts:
        result = _prove_piece(chart, observe)
        if not isinstance(result, PieceProof):
            return result
        pieces.append(result)
        known("pieces proved", len(pieces))
    cover = _prove_cover(diagram)
    if not isinstance(cover, tuple):
        return cover
    return Proved(DiagramCertificate(diagram, tuple(pieces), diagram.decomposition.stacks(), cover))


def _prove_piece(chart: Chart, observe: Observer | None) -> PieceProof | Refuted | Undecided:
    claims = []
    for poly, sign in chart.piece.literals.items():
        spend()
        verdict = implies(chart.walls, (poly, sign))
        if observe is not None:
            observe(chart.walls, (poly, sign), verdict)
        if not isinstance(verdict, Proved):
            return verdict
        claims.append(SignClaim((poly, sign), chart.piece.reasons[poly], verdict.certificate))
    return PieceProof(chart, tuple(claims))


def _prove_cover(diagram: PhaseDiagram) -> tuple[CoverCell, ...] | Refuted:
    law, charts = diagram.law, diagram.survey.charts
    cells = []
    for k, cell in enumerate(diagram.decomposition.cells()):
        held = [r for r, phase in enumerate(diagram.phases) if phase.region.contains(cell.point)]
        if not inside(law, cell.point):
            if held:
                return Refuted(cell.point, f"the region of {diagram.phases[held[0]].name} leaves the domain")
            cells.append(CoverCell(cell.point, None, ()))
            continue
        pieces = tuple(i for i, chart in enumerate(charts) if satisfies(cell.point, chart.walls))
        if not pieces:
            return Refuted(cell.point, "no piece covers the point")
        formulas = {charts[i].piece.formulas for i in pieces}
        if len(formulas) > 1:
            return Refuted(cell.point, "two pieces with different formulas overlap")
        if held != [diagram.cell_phases[k]]:
            return Refuted(cell.point, "the stated regions do not single out one phase")
        if diagram.phases[held[0]].formulas not in formulas:
            return Refuted(cell.point, f"the formulas of {diagram.phases[held[0]].name} are not optimal")
        cells.append(CoverCell(cell.point, held[0], pieces))
    return tuple(cells)
