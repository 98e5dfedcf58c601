"""Deciding implications between strict sign conditions in the (alpha, beta) plane.

`implies` answers: wherever the hypotheses hold strictly, does the conclusion hold (weakly)? A shift certificate is
tried first; otherwise the open cylindrical decomposition of all polynomials involved decides, completely: the
implication fails exactly if it fails in an open cell, and the cell's sample point is the witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derivations.algebra import Poly, format_poly
from derivations.polygons import Line, line_of
from phases.planar import Literal, Stacks, TooComplex, decompose
from phases.proof.shift import ShiftCertificate, shift
from phases.proof.verdict import Proved, Refuted, Undecided, Verdict


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The conclusion is one of the hypotheses."""


@dataclass(frozen=True, slots=True)
class CellCertificate:
    """Sample points for all open cells of the decomposition by ``polys``: each alpha with the betas above it.

    Wherever the hypotheses hold at a sample, the conclusion does.
    """

    polys: tuple[Poly, ...]
    stacks: Stacks


Certificate = Hypothesis | ShiftCertificate | CellCertificate


def linear_part(literals: Sequence[Literal]) -> tuple[Line, ...]:
    """The half-planes among the literals."""
    lines = (line_of(p, s) for p, s in literals)
    return tuple(line for line in lines if line is not None)


def literal_text(literal: Literal) -> str:
    """A literal as ``polynomial > 0``."""
    p, s = literal
    return f"{format_poly(p if s > 0 else -p)} > 0"


def implies(hypotheses: Sequence[Literal], conclusion: Literal) -> Verdict:
    """Whether the hypotheses, taken strictly, imply the conclusion on the closure of their region.

    Returns
    -------
    Proved (certificate: `Hypothesis`, `ShiftCertificate` or `CellCertificate`), Refuted with a rational point where
    the hypotheses hold and the conclusion fails strictly, or Undecided.

    >>> from derivations.algebra import ALPHA, BETA
    >>> type(implies([(ALPHA, 1), (BETA, 1)], (ALPHA*BETA + 1, 1))).__name__
    'Proved'
    >>> implies([(ALPHA, 1)], (ALPHA - BETA, 1)).witness
    (Fraction(1, 1), Fraction(2, 1))
    """
    if conclusion in hypotheses:
        return Proved(Hypothesis())
    p, s = conclusion
    certificate = shift(linear_part(hypotheses), p, s)
    if certificate is not None:
        return Proved(certificate)
    return decide_by_cells(hypotheses, conclusion)


def decide_by_cells(hypotheses: Sequence[Literal], conclusion: Literal) -> Verdict:
    """The complete procedure: every open cell of the decomposition is looked at."""
    p, s = conclusion
    polys = list(dict.fromkeys([*(q for q, _ in hypotheses), p]))
    try:
        decomposition = decompose(polys)
    except TooComplex as error:
        return Undecided(str(error))
    wanted = [(polys.index(q), t) for q, t in hypotheses]
    last = polys.index(p)
    for cell in decomposition.cells():
        if cell.signs[last] != s and all(cell.signs[k] == t for k, t in wanted):
            return Refuted(cell.point, f"{literal_text(conclusion)} fails")
    return Proved(CellCertificate(tuple(polys), decomposition.stacks()))
