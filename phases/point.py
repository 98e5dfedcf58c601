"""What holds at one point, from the programme there alone: the whole diagram is solved only where the answer needs it.

Around a generic point the programme is solved once and its formulas are read off (`phases.piece`). The optimum, the
formulas and what binds are then known. The phase's name is known too where a named claim of the law states these
formulas and holds at the point: the diagram calls that phase the same. Otherwise the name depends on which other
phases there are, and on a wall so does the answer itself; then, and not before it is asked for, the diagram is solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from derivations.algebra import Point
from derivations.exponents import OnWall, holds
from derivations.law import RiskLaw
from derivations.registry import load
from phases.merge import claim_matches
from phases.phase_diagram import AtPoint, Located, check_inside, diagram, exact
from phases.piece import Formulas, Piece, piece_at
from phases.program import PointOptimum, UndefinedExponent, optimum_at
from phases.simplex import Infeasible, Unbounded


@dataclass(frozen=True)
class InsidePiece(AtPoint):
    """A generic point: one set of formulas holds all around it."""

    risk_law: RiskLaw
    point: Point
    piece: Piece
    optimum: PointOptimum

    @property
    def law(self) -> str:
        """The law's name."""
        return self.risk_law.name

    @property
    def formulas(self) -> tuple[tuple[Formulas, Point], ...]:
        """The formulas, and a point at which their factors are positive when written."""
        return ((self.piece.formulas, self.point),)

    @cached_property
    def phase(self) -> str | list[str]:
        """The phase's name; see the module's text for when it is known without the diagram."""
        name = claimed_name(self.risk_law, self.piece.formulas, self.point)
        return name if name is not None else diagram(self.risk_law).at(*self.point).phase


def claimed_name(law: RiskLaw, formulas: Formulas, point: Point) -> str | None:
    """The name of the phase around a point where these formulas hold, if the law's claims settle it.

    The diagram names a phase after the first claim with its formulas that holds somewhere in it, and all parts of
    the plane with equal formulas that one claim names are one phase. A claim that leaves a formula open, or shares
    its name with another, may fit several phases: then the diagram has to say which of them it names.
    """
    first = next((c for c in law.claims if c.name and claim_matches(c, formulas)), None)
    if first is None or sum(c.name == first.name for c in law.claims) > 1:
        return None
    open_rate = formulas.rate is not None and first.rate_exponent is None
    if first.slope is None or first.model_exponent is None or open_rate:
        return None
    return first.name if all(holds(r, point) for r in first.where) else None


def locate(law: str | RiskLaw, alpha: object, beta: object) -> InsidePiece | Located:
    """What holds at an exact rational point of a law.

    Raises
    ------
    phases.phase_diagram.OutsideDomain : the point violates a domain inequality.
    phases.phase_diagram.NotANumber, derivations.grammar.ExpressionError : not exact numbers.
    phases.program.UndefinedExponent : an exponent of the law divides by zero there.
    phases.walk.NoFiniteSlope : the slope is unbounded, or the constraints contradict each other, at the point.

    >>> found = locate("kim2026/signsgd", "2/5", "7/10")
    >>> found.slope, found.phase
    (Fraction(6, 13), 'Ac')
    """
    if isinstance(law, str):
        law = load(law)
    point = exact(alpha), exact(beta)
    check_inside(law, point)
    try:
        piece = piece_at(law, point)
    except (OnWall, UndefinedExponent, Unbounded, Infeasible):
        return diagram(law).at(*point)
    return InsidePiece(law, point, piece, _optimum(law, piece, point))


def _optimum(law: RiskLaw, piece: Piece, point: Point) -> PointOptimum:
    found = optimum_at(law, point)
    if not piece.formulas.unique:
        return found
    weights: dict[str, Fraction] = {name: y.at(point) for name, y in piece.multipliers if y}
    return PointOptimum(found.slope, found.model, found.rate, found.active, found.binding, weights)
