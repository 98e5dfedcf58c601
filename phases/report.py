"""Finished diagrams and points as JSON-ready data and as text tables. Nothing here computes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from derivations.algebra import Point, Poly, format_poly, format_ratio
from derivations.law import RiskLaw
from phases.audit import ClaimReport, Counterpart
from phases.compare import Comparison, Zone
from phases.corners import Corner
from phases.phase_diagram import Located, Phase, PhaseDiagram
from phases.piece import Formula, FormulaRange
from phases.planar import Literal
from phases.point import InsidePiece
from phases.program import Infinite, PointOptimum, Range
from phases.proof.second_opinion import Opinion
from phases.proof.statements import Theorem
from phases.proof.verdict import Proved, Refuted, Undecided, Verdict
from phases.regions import Region
from phases.roots import Root
from phases.sensitivity import Price
from phases.terms import TermMatch

Json = dict[str, Any]


def formula_text(formula: Formula, near: Point) -> str:
    """A closed formula, factors written positive at ``near``."""
    return str(formula) if isinstance(formula, Infinite) else format_ratio(formula, near)


def range_text(ends: FormulaRange | None, near: Point) -> str | list[str] | None:
    """One formula, a pair where the optimum is not unique, or None."""
    if ends is None:
        return None
    if ends[0] == ends[1]:
        return formula_text(ends[0], near)
    return [formula_text(e, near) for e in ends]


def _values(ends: Range | None) -> str | list[str] | None:
    if ends is None:
        return None
    return str(ends[0]) if ends[0] == ends[1] else [str(e) for e in ends]


def _conjunction(part: Sequence[Literal]) -> list[str]:
    return [f"{format_poly(p if s > 0 else -p)} > 0" for p, s in part]


def region_texts(region: Region) -> list[str]:
    """Inequalities that all hold in the region; a union of parts becomes one inequality with max and min."""
    if len(region.parts) == 1:
        return _conjunction(region.parts[0])
    mins = []
    for part in region.parts:
        texts = [format_poly(p if s > 0 else -p) for p, s in part]
        mins.append(texts[0] if len(texts) == 1 else f"min({', '.join(texts)})")
    return [f"max({', '.join(mins)}) > 0"]


def root_text(root: Root) -> str:
    """An exact algebraic number: a rational, a quadratic surd, or a polynomial with the place of the root."""
    if root.rational:
        return str(root.lo)
    if len(root.poly) == 3:
        c, b, a = root.poly
        surd, square = b * b - 4 * a * c, 1
        for k in range(2, 1000):
            while surd % (k * k) == 0:
                surd, square = surd // (k * k), square * k
        side = 1 if root.index == 1 else -1
        middle, step = Fraction(-b, 2 * a), Fraction(side * square, 2 * a)
        sign_text = "+" if step > 0 else "-"
        factor = "" if abs(step) == 1 else f"{abs(step).numerator}*" if abs(step).numerator != 1 else ""
        bottom = "" if abs(step).denominator == 1 else f"/{abs(step).denominator}"
        head = "" if middle == 0 and step > 0 else f"{middle} {sign_text} " if middle else sign_text
        return f"{head}{factor}sqrt({surd}){bottom}"
    terms = " + ".join(f"{c}*x^{k}" for k, c in enumerate(root.poly) if c)
    return f"root {root.index + 1} of {terms}"


def corner_json(corner: Corner) -> Json:
    """A corner with exact coordinates and decimal approximations."""
    return {
        "alpha": root_text(corner.alpha),
        "beta": root_text(corner.beta),
        "approximate": [round(float(corner.alpha), 12), round(float(corner.beta), 12)],
        "phases": list(corner.phases),
    }


def phase_json(phase: Phase) -> Json:
    """One phase in the contract's terms."""
    f, near = phase.formulas, phase.sample
    return {
        "name": phase.name,
        "slope": formula_text(f.slope, near),
        "model_exponent": range_text(f.model, near),
        "rate_exponent": range_text(f.rate, near),
        "exponents": {"x": range_text(f.model, near), "e": range_text(f.rate, near)},
        "active": list(phase.active),
        "binding_constraints": list(phase.binding),
        "region": region_texts(phase.region),
        "sample": {"alpha": str(near[0]), "beta": str(near[1])},
        "neighbours": list(phase.neighbours),
    }


def wall_text(poly: Poly) -> str:
    """The curve as an equation."""
    return f"{format_poly(poly)} = 0"


def diagram_json(diagram: PhaseDiagram, verdict: Verdict, notes: Sequence[str] = ()) -> Json:
    """The whole diagram in the contract's terms, with the notes of `phases.notes`."""
    return {
        "law": diagram.law.name,
        "proved": isinstance(verdict, Proved),
        "verdict": verdict_text(verdict),
        "source": diagram.law.source,
        "provenance": diagram.law.provenance,
        "phases": [phase_json(p) for p in diagram.phases],
        "walls": [
            {
                "curve": wall_text(w.poly),
                "between": list(w.sides),
                "reasons": list(w.reasons),
                "continuous": w.continuous,
            }
            for w in diagram.walls
        ],
        "corners": [corner_json(c) for c in diagram.corners],
        "notes": list(notes),
    }


def verdict_text(verdict: Verdict) -> str:
    """One line."""
    match verdict:
        case Proved(_):
            return "proved"
        case Refuted(witness, statement):
            if witness is None:
                return f"not proved: {statement}"
            return f"refuted at alpha = {witness[0]}, beta = {witness[1]}: {statement}"
        case Undecided(reason):
            return f"undecided: {reason}"


def off_json(theorem: Theorem) -> dict[str, list[str]]:
    """For each phase the curves within it on which a theorem says nothing; phases without any are left out."""
    return {name: sorted(map(format_poly, o.off)) for name, _, o in theorem.phases if o.off}


def off_lines(theorem: Theorem) -> list[str]:
    """The same in sentences."""
    return [f"  of {name} nothing is said on the curve {p} = 0" for name, ps in off_json(theorem).items() for p in ps]


def opinion_json(opinion: Opinion) -> Json:
    """What another prover said."""
    return {
        "prover": opinion.prover,
        "asked": opinion.asked,
        "confirmed": opinion.confirmed,
        "remark": opinion.remark,
        "left_to_own_kernel": list(opinion.left_out),
    }


def claim_json(report: ClaimReport) -> Json:
    """A printed claim and the verdict on it."""
    out: Json = {
        "claim": report.claim.name,
        "verdict": type(report.verdict).__name__.lower(),
        "text": verdict_text(report.verdict),
        "phases": list(report.phases),
        "provenance": report.claim.provenance,
    }
    if isinstance(report.verdict, Refuted) and report.verdict.witness is not None:
        a, b = report.verdict.witness
        out["witness"] = {"alpha": str(a), "beta": str(b)}
    return out


def zone_json(zone: Zone, names: tuple[str, str]) -> Json:
    """A zone of a comparison: who is steeper, by how much, where."""
    return {
        "phases": [zone.first.name, zone.second.name],
        "steeper": {1: names[0], 0: "equal", -1: names[1]}[zone.winner],
        "margin": formula_text(zone.margin, zone.sample),
        "slopes": [formula_text(p.formulas.slope, zone.sample) for p in (zone.first, zone.second)],
        "region": region_texts(zone.region),
        "sample": {"alpha": str(zone.sample[0]), "beta": str(zone.sample[1])},
        "values": [str(p.formulas.slope.at(zone.sample)) for p in (zone.first, zone.second)],
    }


def comparison_json(found: Comparison) -> Json:
    """A comparison of two laws."""
    names = found.first.law.name, found.second.law.name
    return {
        "first": names[0],
        "second": names[1],
        "zones": [zone_json(z, names) for z in found.zones],
        "only_first": bool(found.only_first),
        "only_second": bool(found.only_second),
    }


def terms_json(matches: Sequence[TermMatch]) -> list[Json]:
    """Each printed term: the derived term it equals, and the conditions shared by all chambers where it equals none."""
    out = []
    for name in dict.fromkeys(m.printed for m in matches):
        mine = [m for m in matches if m.printed == name]
        missing = [set(m.chamber.conditions) for m in mine if not m.derived]
        shared = sorted(set.intersection(*missing)) if missing else []
        equal = sorted({d for m in mine for d in m.derived})
        out.append(
            {"printed": name, "derived": equal, "differs_in": len(missing), "chambers": len(mine), "where": shared}
        )
    return out


def counterpart_json(found: Counterpart) -> Json:
    """A printed law beside its derived counterpart: agreement, differences, and what explains them."""
    comparison = found.comparison
    names = comparison.first.law.name, comparison.second.law.name
    differences = []
    for d in found.differences:
        data = zone_json(d.zone, names)
        data["binding"] = [list(d.zone.first.active), list(d.zone.second.active)]
        data["steps"] = [{"title": s.title, "result": s.result, "because": s.reason} for s in d.steps]
        if d.learned is not None:
            data["time_at_printed_optimum"] = {"reached": str(d.learned[0]), "saturation": str(d.learned[1])}
        differences.append(data)
    return {
        "derived": names[1],
        "agrees_in": [z.first.name for z in found.agreeing],
        "terms": terms_json(found.terms),
        "differences": differences,
        "printed_law_is_silent": bool(comparison.only_second),
    }


def price_json(price: Price | None) -> Json | None:
    """Losses of slope per unit of the rate's exponent."""
    if price is None:
        return None

    def text(x: Fraction | None) -> str | None:
        return None if x is None else str(x)

    return {
        "in_f": {"larger": text(price.f_larger), "smaller": text(price.f_smaller)},
        "in_M": {"larger": text(price.m_larger), "smaller": text(price.m_smaller)},
    }


def located_json(law: RiskLaw, located: InsidePiece | Located, price: Price | None, notes: Sequence[str] = ()) -> Json:
    """A point in the contract's terms, with the notes of `phases.notes`."""
    optimum = located.optimum
    formulas = [formula_text(f.slope, near) for f, near in located.formulas]
    return {
        "law": located.law,
        "alpha": str(located.point[0]),
        "beta": str(located.point[1]),
        "phase": located.phase,
        "slope": str(optimum.slope),
        "model_exponent": _values(optimum.model),
        "rate_exponent": _values(optimum.rate),
        "exponents": {"x": _values(optimum.model), "e": _values(optimum.rate)},
        "active": list(optimum.active),
        "binding_constraints": list(optimum.binding),
        "slope_formula": formulas[0] if len(formulas) == 1 else formulas,
        "model_exponent_formula": _unlist([range_text(f.model, near) for f, near in located.formulas]),
        "rate_exponent_formula": _unlist([range_text(f.rate, near) for f, near in located.formulas]),
        "multipliers": {k: str(v) for k, v in optimum.multipliers.items() if v},
        "price": price_json(price),
        "provenance": law.provenance,
        "source": law.source,
        "term_provenance": {t.name: t.provenance for t in law.terms if t.name in optimum.active},
        "notes": list(notes),
    }


def _unlist(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items


def with_rate_json(base: Json, rate: Fraction, best: PointOptimum, notes: Sequence[str] = ()) -> Json:
    """The point with the learning rate fixed at gamma = M^(-rate): its own best slope, and the optimum beside it."""
    out = dict(base)
    keys = ("slope", "model_exponent", "rate_exponent", "active", "binding_constraints")
    out["optimum"] = {k: base[k] for k in keys}
    out["rate"] = str(rate)
    out["slope"] = str(best.slope)
    out["model_exponent"] = _values(best.model)
    out["rate_exponent"] = str(rate)
    out["exponents"] = {"x": out["model_exponent"], "e": str(rate)}
    out["active"] = list(best.active)
    out["binding_constraints"] = list(best.binding)
    out["multipliers"] = {k: str(v) for k, v in best.multipliers.items() if v}
    out["loss"] = str(Fraction(base["slope"]) - best.slope)
    out["notes"] = [*base["notes"], *notes]
    return out


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """Columns aligned by spaces."""
    widths = [max(len(r[k]) for r in (head, *rows)) for k in range(len(head))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in (head, *rows)]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def _cell(text: str | list[str] | None) -> str:
    if text is None:
        return "-"
    return text if isinstance(text, str) else f"[{text[0]}, {text[1]}]"


def diagram_table(diagram: PhaseDiagram) -> str:
    """The table of phases."""
    rows = []
    for p in diagram.phases:
        j = phase_json(p)
        rows.append(
            [
                p.name,
                j["slope"],
                _cell(j["model_exponent"]),
                _cell(j["rate_exponent"]),
                ", ".join(p.active),
                ", ".join(j["region"]),
            ]
        )
    return table(rows, ["phase", "slope", "x* (M = f^x)", "e* (gamma = M^-e)", "binding", "region"])
