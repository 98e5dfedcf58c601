"""What a reader of an answer would wonder about, in plain words, with the cause.

Three things look like errors and are none: on a wall the law itself may jump, so that the value there is not the limit
from both sides; a law may put no bound on the learning rate, so that every large (or small) rate is optimal; and a
learning rate fixed by hand may leave nothing to learn. Each is decided exactly, and each comes with the rows behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from derivations.algebra import Point
from derivations.exponents import value
from derivations.law import Constraint, RiskLaw, Term
from phases.phase_diagram import AtPoint, Located, PhaseDiagram
from phases.program import (
    FIXED_RATE,
    FREE_RATE,
    Infinite,
    NumericRow,
    PointOptimum,
    fixed_rows,
    numeric_rows,
    optimum_at,
)
from phases.simplex import Infeasible, Unbounded, maximise


def point_notes(law: RiskLaw, located: AtPoint) -> tuple[str, ...]:
    """Notes on the optimum at a point: a law that jumps on a wall, a rate without a bound."""
    notes = list(_wall_notes(law, located)) if isinstance(located, Located) else []
    if located.optimum.rate is not None:
        notes += _rate_notes(numeric_rows(law, located.point), located.optimum.rate, "")
    return tuple(notes)


def diagram_notes(found: PhaseDiagram) -> tuple[str, ...]:
    """Notes on the phases of a diagram: rates without a bound."""
    notes = []
    for phase in found.phases:
        ends = phase.formulas.rate
        if ends is not None and any(isinstance(e, Infinite) for e in ends):
            notes += _rate_notes(numeric_rows(found.law, phase.sample), ends, f"phase {phase.name}: ")
    return tuple(notes)


def _wall_notes(law: RiskLaw, located: Located) -> tuple[str, ...]:
    """One sentence where the value on a wall is not the limit from each side."""
    if len(located.phases) < 2:
        return ()
    jumps = []
    for phase in located.phases:
        try:
            limit = phase.formulas.slope.at(located.point)
        except ZeroDivisionError:
            jumps.append(f"phase {phase.name} (not defined here)")
            continue
        if limit != located.slope:
            jumps.append(f"phase {phase.name} ({limit})")
    if not jumps:
        return ()
    ending = [e.name for e in _entries(law) if _ends_at(e, located.point)]
    cause = f", as {', '.join(ending)} exists on one side only" if ending else ""
    return (f"the law jumps on this wall: {located.slope} is not the limit from {' and '.join(jumps)}{cause}",)


def _ends_at(entry: Term | Constraint, point: Point) -> bool:
    """Whether a condition of the entry holds with equality at the point."""
    return any(value(r.left, point) == value(r.right, point) for r in entry.where)


def _rate_notes(rows: Sequence[NumericRow], rate: tuple[object, object], where: str) -> list[str]:
    """A sentence for each end at which the optimal rate is unbounded, with the rows that hold gamma there, if any."""
    if rows[-1].name == FREE_RATE:
        return [f"{where}gamma occurs in no row, so that every rate is optimal"]
    notes = []
    for end, side, word, size in ((rate[0], -1, "above", "large"), (rate[1], 1, "below", "small")):
        if not isinstance(end, Infinite):
            continue
        holding = [r.name for r in rows if r.inequality.coefficients[1] * side > 0]
        other = [r.name for r in rows if r.inequality.coefficients[1] * side < 0]
        if holding:
            reason = f"what bounds gamma from {word} ({', '.join(holding)}) never binds there"
        else:
            reason = f"no row bounds gamma from {word}, {', '.join(other)} only from the other side"
        notes.append(f"{where}every rate that is {size} enough is optimal: {reason}")
    return notes


def fixed_rate(law: RiskLaw, point: Point, rate: Fraction) -> tuple[PointOptimum, tuple[str, ...]]:
    """The best at gamma = M^(-rate), and notes: which way a better rate lies, and why nothing is learned if so.

    Raises
    ------
    phases.simplex.Infeasible : no model size at all may have this rate; the message names the rows that forbid it.
    phases.program.UndefinedExponent, phases.simplex.Unbounded : see `phases.program.optimum_at`.
    """
    size = f"gamma = M^-({rate})"
    try:
        best = optimum_at(law, point, rate)
    except Infeasible:
        names = ", ".join(_culprits(law, point, rate, None)) or "the constraints together"
        raise Infeasible(f"expected a rate that some model size may have, {size} is forbidden by {names}") from None
    notes = []
    small = all(x == 0 for x in best.model)
    better = "smaller" if best.multipliers.get(FIXED_RATE, Fraction(0)) > 0 else "larger"
    if best.slope <= 0 or small:
        outcome = "only a model of constant size may have it" if small else "the risk does not fall"
        learned = "nothing is learned" if best.slope <= 0 else f"the slope is {best.slope}"
        causes = _culprits(law, point, rate, best) or _holding(law, point, best, better)
        notes.append(f"{size} is out of range: {outcome}, {learned}; the cause is {', '.join(causes)}")
    if best.multipliers.get(FIXED_RATE):
        notes.append(
            f"an equation's multiplier may have either sign; that of '{FIXED_RATE}': a {better} rate is better"
        )
    return best, tuple(notes)


def _culprits(law: RiskLaw, point: Point, rate: Fraction, best: PointOptimum | None) -> tuple[str, ...]:
    """The rows without any one of which a fixed rate would do better (without an optimum: would do at all)."""
    rows = fixed_rows(law, point, rate)
    forms = _forms(law)
    small = best is not None and all(x == 0 for x in best.model)
    found = []
    for row in (r for r in rows if r.name in forms):
        try:
            other = maximise([r.inequality for r in rows if r is not row])
        except Infeasible:
            continue
        except Unbounded:
            found.append(forms[row.name])
            continue
        grows = any(v.values[0] > 0 for v in other.vertices)
        if best is None or (other.value > best.slope and (grows or not small)):
            found.append(forms[row.name])
    return tuple(found)


def _holding(law: RiskLaw, point: Point, best: PointOptimum, better: str) -> tuple[str, ...]:
    """The binding rows that a better rate relieves."""
    forms = _forms(law)
    side = -1 if better == "smaller" else 1
    tight = {*best.active, *best.binding}
    rows = numeric_rows(law, point)
    return tuple(forms[r.name] for r in rows if r.name in tight and r.inequality.coefficients[1] * side > 0)


def _forms(law: RiskLaw) -> dict[str, str]:
    return {e.name: f"{e.name} ({e.form})" for e in _entries(law)}


def _entries(law: RiskLaw) -> list[Term | Constraint]:
    return [*law.terms, *law.constraints]
